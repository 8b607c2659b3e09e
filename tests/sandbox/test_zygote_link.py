"""A zygote that nobody waits for any more."""

import asyncio
from pathlib import Path

import pytest

from lambent.sandbox.isolation.zygote_link import ZygoteLink


@pytest.mark.timeout(20)
def test_a_boot_that_is_given_up_ends_with_its_process(tmp_path: Path) -> None:
    """As when the platform stops meanwhile: the zygote waits for our answer, and we for its end."""
    waiting = tmp_path / "waiting"
    waiting.write_text("#!/bin/sh\nexec cat <&3 >/dev/null\n")
    waiting.chmod(0o755)

    async def main() -> None:
        boot = asyncio.create_task(ZygoteLink.boot(waiting, {}, None))
        await asyncio.sleep(0.05)
        boot.cancel()
        with pytest.raises(asyncio.CancelledError):
            await boot

    asyncio.run(main())
