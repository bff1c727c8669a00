"""stub"""

from fastapi import FastAPI


def add(app: FastAPI) -> None: ...
