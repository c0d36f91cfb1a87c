"""What a verified link costs the gateway's CPU with the system's trust store, beside libpq alone in the same run.

`pytest -s` prints the figures; with a release build (SALLYPORT_BUILD) they are the ones to quote.
"""
import statistics

import pytest

from certificates import concatenate
from link_client import Link, demanding, write_conf

SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
ROUNDS = 25


def test_a_verified_link_parses_no_trust_store(clusters, pki, tmp_path):
    # Without a password: SCRAM's 4,096 rounds cost both the same 3 to 5 ms.
    server = clusters.start("cost", {"ssl": "on"}, ["hostssl all all all trust"],
                            {"server.crt": pki.server.cert, "server.key": pki.server.key})
    try:
        trust = concatenate(str(tmp_path / "all.pem"), SYSTEM, pki.root.cert)
    except FileNotFoundError:
        pytest.skip("no system trust store")
    settings = demanding(pki, server.port, lua_ssl_trusted_certificate="system," + pki.root.cert)
    ours, theirs = [], []
    with Link(write_conf(tmp_path, "c", **settings)) as link:
        first = link.open()
        assert first["ok"] and first["state"]["verified"]
        for _ in range(ROUNDS):  # interleaved, so that both meet the same machine
            ours.append(link.open()["cpu_ms"])
            alone = link.say("libpq " + trust)
            assert alone["ok"], alone
            theirs.append(alone["cpu_ms"])
    mine, libpq = statistics.median(ours), statistics.median(theirs)
    print(f"\nclient CPU of one verified link, median of {ROUNDS}: ours {mine:.2f} ms, libpq {libpq:.2f} ms, "
          f"the first one {first['cpu_ms']:.2f} ms")
    assert mine < libpq / 2
    server.stop()
