"""How a process ends: what its libraries leave behind is told by what it is."""

import asyncio
import gc
import logging

import aiohttp
import pytest

from hotfix.runtime import serving


@pytest.mark.parametrize(
    ("error", "told"), [(aiohttp.ClientConnectionError("Connection closed"), False), (RuntimeError("a defect"), True)]
)
async def test_a_request_that_nobody_waits_for_any_more_is_no_error(
    caplog: pytest.LogCaptureFixture, error: Exception, told: bool
) -> None:
    async def fail() -> None:
        raise error

    asyncio.get_running_loop().set_exception_handler(serving._left_behind)
    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    with caplog.at_level(logging.WARNING):
        del task
        gc.collect()
    assert any(str(error) in str(record.exc_info) for record in caplog.records) == told
