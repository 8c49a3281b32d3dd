"""`python -m shortener` is the command line."""

from shortener.cli import main

if __name__ == "__main__":
    main()
