// Copy buttons: shown only where scripts run. Without clipboard access (plain http) the text gets selected instead.
"use strict";
for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  const status = document.getElementById(button.dataset.status);
  const label = button.textContent;
  let timer;
  const say = (word, sentence) => {
    button.textContent = word;
    status.textContent = sentence;
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = label; status.textContent = ""; }, 2500);
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      say("Copied", "Copied to the clipboard.");
    } catch {
      getSelection().selectAllChildren(source);
      say("Selected", "Selected. Copy it with your keyboard.");
    }
  });
  button.hidden = false;
}
