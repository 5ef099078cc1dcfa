"""A client by the official Python SDK. Prints what it saw as one line of JSON."""

import asyncio
import json
import os
import sys

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main(mode, program, arguments):
    seen = {"progress": []}

    async def progressed(progress, total, message):
        seen["progress"].append(progress)

    server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
    async with Client(stdio_client(server), mode=mode) as client:
        seen["version"] = client.protocol_version
        seen["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        # The SDK checks each structured result against the tool's output schema.
        for tool, arguments in [
            ("write", {"path": "new.txt", "content": "one\ntwo\n"}),
            ("edit", {"path": "new.txt", "old_text": "two", "new_text": "2"}),
            ("read", {"path": "new.txt"}),
            ("list", {}),
            ("shell", {"command": "cat new.txt; exit 3"}),
            ("read", {"path": "/etc/shadow"}),
            ("read", {}),
        ]:
            result = await client.call_tool(tool, arguments)
            seen.setdefault("results", []).append(
                {
                    "text": "\n".join(block.text for block in result.content),
                    "is_error": result.is_error,
                    "status": result.structured_content["status"],
                }
            )
        slow = client.call_tool("shell", {"command": "sleep 3"}, progress_callback=progressed)
        await slow
        try:
            async with asyncio.timeout(1):
                await client.call_tool("shell", {"command": f"sleep {os.environ['MARK']}"})
        except TimeoutError:
            seen["cancelled"] = True
        after = await client.call_tool("shell", {"command": "echo on"})
        seen["after"] = after.content[0].text
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
