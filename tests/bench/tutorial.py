"""The shortener that tutorials build: FastAPI and SQLModel, a counter that is read, raised and written back.

A baseline, written as the frameworks' own introductions do it, with SQLite's defaults. Do not learn from it: two
visits at the same time read the same number, and one of them is lost.
"""

import secrets
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import RedirectResponse
from sqlmodel import Field, Session, SQLModel, create_engine, select


class Link(SQLModel, table=True):
    __tablename__ = "tutorial_link"

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(index=True, unique=True)
    target: str
    clicks: int = 0


class LinkCreate(SQLModel):
    target: str


#: In the working directory, which is a temporary one.
engine = create_engine("sqlite:///tutorial.db", connect_args={"check_same_thread": False})
app = FastAPI()


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def _find(session: Session, code: str) -> Link:
    link = session.exec(select(Link).where(Link.code == code)).first()
    if link is None:
        raise HTTPException(status_code=404, detail="No such link")
    return link


@app.post("/links", status_code=201)
def create(body: LinkCreate, session: SessionDep) -> Link:
    link = Link(code=secrets.token_urlsafe(5), target=body.target)
    session.add(link)
    session.commit()
    session.refresh(link)
    return link


@app.get("/links/{code}")
def show(code: str, session: SessionDep) -> Link:
    return _find(session, code)


@app.get("/{code}")
def follow(code: str, session: SessionDep) -> RedirectResponse:
    link = _find(session, code)
    link.clicks += 1
    session.add(link)
    session.commit()
    return RedirectResponse(link.target, status_code=302)


SQLModel.metadata.create_all(engine)
