"""A gRPC server that does what a test asks for, without generated code: messages are bytes."""
import threading
import time
from concurrent import futures

import grpc

ECHO, FOLLOW, SUM, CHAT = (f"/test.Echo/{name}" for name in ("Echo", "Follow", "Sum", "Chat"))
HEALTH = "/grpc.health.v1.Health/Check"


class Handler(grpc.GenericRpcHandler):
    def __init__(self, server):
        self.server = server

    def service(self, details):
        self.server.calls.append((details.method, dict(details.invocation_metadata)))
        if details.method == ECHO:
            return grpc.unary_unary_rpc_method_handler(self.server.echo)
        if details.method == FOLLOW:
            return grpc.unary_stream_rpc_method_handler(self.server.follow)
        if details.method == SUM:
            return grpc.stream_unary_rpc_method_handler(self.server.sum)
        if details.method == CHAT:
            return grpc.stream_stream_rpc_method_handler(self.server.chat)
        if details.method == HEALTH:
            return grpc.unary_unary_rpc_method_handler(self.server.check)
        return None


class GrpcUpstream:
    def __init__(self, credentials=None, port=0, options=()):
        self.calls, self.cancelled, self.sent = [], threading.Event(), 0
        self.health = 1  # SERVING
        self.server = grpc.server(futures.ThreadPoolExecutor(32), (Handler(self),), options=list(options))
        where = f"127.0.0.1:{port}"
        self.port = (self.server.add_secure_port(where, credentials) if credentials
                     else self.server.add_insecure_port(where))
        self.server.start()

    def echo(self, request, context):
        context.send_initial_metadata((("x-initial", "i"),))
        context.set_trailing_metadata((("x-trailing", "t"), ("x-bin-bin", b"\x00\xff")))
        if request.startswith(b"fail"):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no: 100% ü")
        if request.startswith(b"sleep"):
            time.sleep(float(request[5:]))
        return request

    def follow(self, request, context):
        context.add_callback(self.cancelled.set)
        count, size = map(int, request.split())
        for n in range(count):
            if not context.is_active():
                return
            self.sent += 1
            yield b"%d " % n + b"x" * size

    def sum(self, requests, context):
        total = sum(len(request) for request in requests)
        return b"%d" % total

    def chat(self, requests, context):
        for request in requests:
            yield b"re: " + request

    def check(self, request, context):
        if self.health is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        return b"\x08" + bytes([self.health])

    def stop(self, grace=None):
        self.server.stop(grace).wait()

    # As data_plane.Upstream has it.
    def assert_sound(self):
        pass

    def close(self):
        self.stop(0)


class Stub:
    """A client of it."""

    def __init__(self, port, credentials=None, options=()):
        where = f"127.0.0.1:{port}"
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1), *options]
        self.channel = (grpc.secure_channel(where, credentials, options) if credentials
                        else grpc.insecure_channel(where, options))
        self.echo = self.channel.unary_unary(ECHO)
        self.follow = self.channel.unary_stream(FOLLOW)
        self.sum = self.channel.stream_unary(SUM)
        self.chat = self.channel.stream_stream(CHAT)

    def close(self):
        self.channel.close()
