"""Bar charts of what tests/bench/table has measured, as SVG files that need nothing else to be looked at."""
import html

WIDTH, LABEL, BAR, GAP, TOP = 720, 190, 18, 8, 56
COLOURS = {"nginx": "#8a8f98", "haproxy": "#b0b5bd", "relay_io_uring": "#d9dce1", "relay_epoll": "#d9dce1"}
OURS = {"io_uring": "#0b6e99", "epoll": "#5aa9c9"}
NAMES = {"nginx": "nginx", "haproxy": "HAProxy", "io_uring": "Sallyport, io_uring", "epoll": "Sallyport, epoll",
         "relay_io_uring": "bare relay, io_uring", "relay_epoll": "bare relay, epoll",
         "busy_io_uring": "io_uring, 10,000 routes", "busy_epoll": "epoll, 10,000 routes",
         "io_uring_workers": "io_uring, two workers", "io_uring_apart": "io_uring, two gateways",
         "epoll_workers": "epoll, two workers", "epoll_apart": "epoll, two gateways"}



def colour(name):
    backend = "epoll" if "epoll" in name else "io_uring"
    return COLOURS.get(name) or OURS[backend]


def chart(title, unit, groups):
    """`groups`: (heading, {name: value}); each group has its own scale, for ratios are what counts."""
    parts, y = [], TOP
    for heading, values in groups:
        parts.append(f'<text x="12" y="{y}" class="h">{html.escape(heading)}</text>')
        y += 10
        most = max(values.values()) or 1
        for name, value in values.items():
            length = (WIDTH - LABEL - 110) * value / most
            middle = y + BAR - 5
            parts.append(f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end">{html.escape(NAMES.get(name, name))}</text>'
                         f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour(name)}"/>'
                         f'<text x="{LABEL + length + 6:.1f}" y="{middle}">{value:,.{0 if value >= 1000 else 1}f} {unit}</text>')
            y += BAR + GAP
        y += 22
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">'
            '<style>text{font:13px sans-serif;fill:#24292f}.t{font-size:16px;font-weight:bold}.h{font-weight:bold}</style>'
            f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>'
            f'<text x="12" y="26" class="t">{html.escape(title)}</text>' + "\n".join(parts) + "</svg>\n")


def pick(section, field, leave_out=()):
    return {name: m[field] for name, m in section.items() if not any(word in name for word in leave_out)}


CHARTS = {
    "cpu": ("CPU per request", "us", [("1 KiB", "1k", "cpu_us"), ("TLS 1.3, 1 KiB", "tls 1k", "cpu_us"),
                                      ("HTTP/2, 1 KiB", "h2 1k", "cpu_us"), ("64 KiB", "64k", "cpu_us"),
                                      ("1 MiB", "1m", "cpu_us")]),
    "requests": ("Requests a second, one worker on one core, 64 connections, 1 KiB", "/s", [("", "1k", "rps")]),
    "latency": ("Latency with few connections", "us",
                [(f"{n}, {p}", n, f"{p}_us") for n in ("1 connection", "8 connections") for p in ("p50", "p99")]),
    "own": ("The gateway with much to do, and with two workers: CPU per request", "us",
            [("one route, and one of 10,000 with two targets and an access log", "busy", "cpu_us"),
             ("two workers, and two gateways of one worker each", "workers", "cpu_us")]),
}


def write_all(results, folder):
    for name, (title, unit, wanted) in CHARTS.items():
        groups = [(heading, pick(results[section], field)) for heading, section, field in wanted if section in results]
        if groups:
            (folder / f"{name}.svg").write_text(chart(title, unit, groups))
    idle = [(heading, results[section]) for heading, section in (("plain", "idle"), ("TLS", "tls idle")) if section in results]
    if idle:
        (folder / "idle.svg").write_text(chart("Memory of an idle connection", "B", idle))
