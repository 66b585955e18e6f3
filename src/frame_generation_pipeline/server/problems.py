"""Answers to requests that fail: a status, a code for programs and a sentence for people."""

import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from frame_generation_pipeline.errors import FrameGenerationError, OutputError, quoted
from frame_generation_pipeline.jobs.log_filter import RepeatFilter

logger = logging.getLogger(__name__)
logger.addFilter(RepeatFilter())


class Problem(Exception):
    """The answer to a request that fails; may be raised anywhere below a route."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer to the client."""
        return JSONResponse(problem_body(self.code, self.message), self.status, self.headers)


def problem_body(code: str, message: str) -> dict[str, Any]:
    """The body of every problem."""
    return {"error": {"code": code, "message": message}}


# Descriptions of problems for `responses=` of a route.
PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these statuses."""
    content = {"application/json": {"schema": PROBLEM_SCHEMA}}
    return {status: {"description": "Problem", "content": content} for status in statuses}


def handle_problems(app: FastAPI) -> None:
    """Answer every error of a route in the same form."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(FrameGenerationError)
    async def _refused(_: Request, error: FrameGenerationError) -> JSONResponse:
        return JSONResponse(problem_body("refused", str(error)), 400)

    @app.exception_handler(sqlite3.Error)
    async def _locked(_: Request, error: sqlite3.Error) -> JSONResponse:
        logger.warning("the jobs' database: %s", quoted(error))
        body = problem_body("busy", "the jobs' database is not to be had; ask again in some seconds")
        return JSONResponse(body, 503, {"retry-after": "5"})

    @app.exception_handler(OutputError)
    async def _no_room(_: Request, error: OutputError) -> JSONResponse:
        logger.warning("%s", quoted(error))
        return JSONResponse(problem_body("no_room", str(error)), 503, {"retry-after": "60"})

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        body = problem_body(f"http_{error.status_code}", str(error.detail))
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()[0]
        where = ".".join(str(part) for part in found["loc"])
        return JSONResponse(problem_body("invalid", f"{where}: {found['msg']}"), 422)
