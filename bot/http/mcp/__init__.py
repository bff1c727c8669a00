"""`/mcp`: the tools of `bot.mcp` over streamable HTTP, with the tokens of the API. `door` lets calls in, and loads
`sessions`, which needs the extra `mcp`, at the first of them.
"""
