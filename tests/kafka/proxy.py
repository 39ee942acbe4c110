"""A TCP proxy whose network can be spoilt: for the tests in which a server is there and can't be reached.

    proxy = Proxy("127.0.0.1", 9092)     # listens on proxy.port
    proxy.mode = "cut"                   # pass | delay | drop | half | cut

pass    bytes go both ways
delay   each piece of bytes waits for delay_s
drop    nothing is answered and nothing ends: bytes are swallowed, in both directions
half    what the client sends arrives, what the server answers is swallowed: it acts and nobody hears of it
cut     connections are reset, new ones are too
One thread; a change of mode holds for connections that are there already, but for what was swallowed."""
import asyncio
import socket
import threading

PIECE_BYTES = 65536


class Proxy:
    def __init__(self, host, port, listen_port=0):
        self.target, self.delay_s, self._mode = (host, port), 0.2, "pass"
        self.socket = socket.create_server(("127.0.0.1", listen_port))
        self.port = self.socket.getsockname()[1]
        self.loop, self.cuts = asyncio.new_event_loop(), set()      # cuts: an event of each connection
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        self._mode = mode
        if mode == "cut":
            self.loop.call_soon_threadsafe(self._cut)

    def _cut(self):
        for cut in self.cuts:
            cut.set()

    def close(self):
        self.mode = "cut"
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._main())

    async def _main(self):
        self.stopping = asyncio.Event()
        server = await asyncio.start_server(self._serve, sock=self.socket)
        await self.stopping.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader, writer):
        if self.mode == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        cut = asyncio.Event()
        self.cuts.add(cut)
        if self.mode == "cut":
            cut.set()
        ways = [asyncio.create_task(self._copy(reader, far_writer, "up")),
                asyncio.create_task(self._copy(far_reader, writer, "down")),
                asyncio.create_task(cut.wait())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.cuts.discard(cut)
            for way in ways:
                way.cancel()
            writer.transport.abort()
            far_writer.transport.abort()

    async def _copy(self, source, sink, way):
        while True:
            try:
                piece = await source.read(PIECE_BYTES)
            except OSError:
                return
            if not piece:
                return
            if self.mode == "delay":
                await asyncio.sleep(self.delay_s)
            if self.mode == "drop" or (self.mode == "half" and way == "down"):
                # A TCP stream with a hole in it would be another fault than a network's: from here on it is silent.
                await asyncio.Event().wait()
            try:
                sink.write(piece)
                await sink.drain()
            except OSError:
                return
