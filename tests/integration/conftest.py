"""Fixtures for all integration tests: clusters and certificates are made once for each run."""
import os
import shutil
import tempfile

import pytest

from certificates import Authority
from cluster import Clusters
from data_plane import DataPlane


@pytest.fixture(scope="session")
def workspace():
    """A directory that the postgres user can enter; removed at the end."""
    path = tempfile.mkdtemp(prefix="sallyport-integration-")
    os.chmod(path, 0o755)
    yield path
    if not os.environ.get("SALLYPORT_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def clusters(workspace):
    made = Clusters(os.path.join(workspace, "clusters"))
    yield made
    made.stop_all()


class Pki:
    """Root -> intermediate -> second intermediate, and what goes wrong with each."""

    SAN = "DNS:localhost,DNS:db.test,IP:127.0.0.1,IP:::1"

    def __init__(self, directory):
        self.directory = directory
        self.root = Authority(directory, "root")
        self.intermediate = Authority(directory, "intermediate", issuer=self.root)
        self.second = Authority(directory, "second", issuer=self.intermediate)
        self.other = Authority(directory, "other")
        self.server = self.root.issue("server", san=self.SAN)
        self.client = self.root.issue("client", cn="kong")
        deep = self.second.issue("deep", san=self.SAN)
        self.deep = deep.with_chain("deep-chain", self.second, self.intermediate)


@pytest.fixture(scope="session")
def pki(workspace):
    return Pki(os.path.join(workspace, "pki"))


@pytest.fixture(scope="session")
def tls_server(clusters, pki):
    """One server for TLS with passwords, shared by the tests that change nothing in it."""
    return clusters.start("tls", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["host all all all scram-sha-256"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})


@pytest.fixture(scope="session")
def mtls_server(clusters, pki):
    """One server that takes client certificates and nothing else."""
    return clusters.start("mtls", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})


@pytest.fixture(params=["io_uring", "epoll"])
def backend(request):
    return request.param


@pytest.fixture
def plane(workspace, backend):
    """Makes data planes without a database, and ends them with a look at how they ended."""
    made = []

    def make(upstream=None, **options):
        made.append((DataPlane(workspace, backend, upstream, **options), upstream))
        return made[-1][0]

    yield make
    for data_plane, upstream in made:
        data_plane.close()
        if upstream:
            upstream.assert_sound()
            upstream.close()
