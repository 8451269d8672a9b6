"""An nginx in front is not started: its paths are the entry's, and the rest is named."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

COMPOSE = """
services:
  web:
    build: web
    ports: ["3000:3000"]
  users:
    build: users
    container_name: people
    ports: ["80:5000"]
  nginx:
    build: front
    ports: ["80:80"]
    depends_on: [web, users]
"""
CONF = """
upstream everyone { server people:5000; keepalive 8; }
server {
  listen 80;
  location / { proxy_pass http://web:3000; proxy_set_header Host $host; }  # location /no {
  location /users { if ($a) { return 404; } proxy_pass http://everyone; }
  location ~ ^/auth/ { proxy_pass http://users:5000/auth/; }
  location /static/ { alias /srv/static/; }
  location /old/ { proxy_pass http://users:5000/; }
  location ~ \\.php$ { proxy_pass http://users:5000; }
  location /away { proxy_pass http://elsewhere:80; }
  location = /50x.html { root /usr/share/nginx/html; }
}
"""
NODE = '{"scripts": {"start": "node s.js"}}'
FILES = {
    "compose.yaml": COMPOSE,
    "front/Dockerfile": "FROM nginx:1.15\nRUN rm /etc/nginx/conf.d/default.conf\n"
    "COPY /prod.conf /etc/nginx/conf.d\n",
    "front/prod.conf": CONF,
    **{f"{name}/package.json": NODE for name in ("web", "users")},
    **{f"{name}/s.js": "app.listen(process.env.PORT)\n" for name in ("web", "users")},
}


def test_paths_go_to_the_entry_and_what_does_not_is_named():
    found = found_in(**FILES)
    assert {service.name for service in found.services} == {"web", "users"}
    assert {(route.path, route.service) for route in found.routes} == {
        ("/", "web"),
        ("/users", "users"),
        ("/auth", "users"),
    }
    said = "\n".join(found.left_out)
    assert "nginx: nginx is not started here; the entry has the paths of front/prod.conf" in said
    assert "not at the entry: location /static/, which serves files" in said
    assert "not at the entry: location /old/, whose path it changes to / (front/prod.conf)" in said
    assert "not at the entry: location \\.php$, a pattern" in said
    assert "the path /away leads to elsewhere, which is not here" in said
    assert "/50x.html" not in said


def test_the_file_has_an_entry_and_the_services_their_paths():
    found = found_in(**FILES)
    written = text_of(found)
    assert 'entry: {"": 8081} # one address' in written, "8080 is of users, whose port is 80"
    file = system_of(found).file
    assert file.services["web"].public.paths == ("/",)
    assert file.services["users"].public.paths == ("/users", "/auth")
    assert file.services["users"].public.host is None


@pytest.mark.parametrize(
    ("nginx", "files"),
    [
        ("{image: 'nginx:alpine', volumes: ['./nginx.conf:/etc/nginx/nginx.conf:ro']}", {}),
        (
            "{image: 'nginx', volumes: ['./conf/:/etc/nginx/templates/'], ports: ['8080:80']}",
            {"conf/default.conf.template": CONF},
        ),
    ],
)
def test_a_file_or_folder_that_is_mounted_counts_too(nginx, files):
    compose = COMPOSE.replace('80:5000"', '5000:5000"').split("  nginx:")[0] + f"  nginx: {nginx}\n"
    found = found_in(**{**FILES, "nginx.conf": CONF, **files, "compose.yaml": compose})
    assert len(found.routes) == 3
    assert found.front_port == 8080


def test_one_that_serves_what_is_built_here_is_a_program_and_one_without_a_file_is_elsewhere():
    built = (
        "FROM node AS b\nRUN npm run build\nFROM nginx\nCOPY --from=b /a /usr/share/nginx/html\n"
    )
    files = {**FILES, "front/Dockerfile": built, "front/package.json": NODE}
    assert found_in(**files).routes == ()
    alone = COMPOSE.replace("build: front", "image: nginx")
    found = found_in(**{**FILES, "compose.yaml": alone})
    assert found.routes == ()
    assert any(line.startswith("nginx: nginx is not started here") for line in found.left_out)


APACHE = """
<VirtualHost *:80>
    DocumentRoot /var/www/html
    # ProxyPass /no http://web:3000/no
    <Proxy balancer://people>
        BalancerMember http://users:5000
    </Proxy>
    ProxyPass        /users balancer://people/users
    ProxyPassReverse /users balancer://people/users
    ProxyPass /assets !
    ProxyPass /old http://users:5000/
    ProxyPassMatch ^/(.*\\.gif)$ http://web:3000/$1
    ProxyPass /fast ajp://web:8009/fast
    <Location /auth>
        ProxyPass http://users:5000/auth
    </Location>
    ProxyPass / http://web:3000/
</VirtualHost>
"""
CADDY = """
{
    admin off
}
{$SITE:localhost} {
    encode gzip
    @people path /users/* /auth/*
    handle @people {
        reverse_proxy users:5000
    }
    handle_path /old/* {
        reverse_proxy users:5000
    }
    route /static/* {
        file_server
    }
    reverse_proxy /away/* {$AWAY}
    # reverse_proxy /no/* web:3000
    handle {
        reverse_proxy {
            to http://web:3000
            header_up Host {host}
        }
    }
}
"""
OF_APACHE = """
FROM ubuntu:22.04
RUN apt-get install -y apache2
COPY site.conf /etc/apache2/sites-enabled/
CMD apache2ctl -D FOREGROUND
"""


@pytest.mark.parametrize(
    ("front", "files", "title"),
    [
        ("{build: front}", {"front/Dockerfile": OF_APACHE, "front/site.conf": APACHE}, "Apache"),
        (
            "{image: 'httpd:2.4', volumes: ['./h.conf:/usr/local/apache2/conf/httpd.conf']}",
            {"h.conf": APACHE},
            "Apache",
        ),
        (
            "{image: 'caddy:2', volumes: ['./Caddyfile:/etc/caddy/Caddyfile']}",
            {"Caddyfile": CADDY},
            "Caddy",
        ),
        (
            "{build: front}",
            {
                "front/Dockerfile": "FROM caddy:2\nCOPY Caddyfile /etc/caddy/Caddyfile\n",
                "front/Caddyfile": CADDY,
            },
            "Caddy",
        ),
    ],
)
def test_apache_and_caddy_give_their_paths_as_nginx_does(front, files, title):
    compose = (
        COMPOSE.split("  nginx:", maxsplit=1)[0].replace("80:5000", "5000:5000")
        + f"  front: {front}\n"
    )
    rest = {name: text for name, text in FILES.items() if not name.startswith("front/")}
    found = found_in(**{**rest, "compose.yaml": compose, **files})
    assert {service.name for service in found.services} == {"web", "users"}
    assert {(route.path, route.service) for route in found.routes} == {
        ("/", "web"),
        ("/users", "users"),
        ("/auth", "users"),
    }
    said = "\n".join(found.left_out)
    assert f"front: {title}" in said
    assert "is not started here; the entry has the paths of" in said
    assert "/old" in said
    assert "whose path it changes to /" in said
    assert "/no" not in said.replace("/not", "")
    other = "a pattern" if title == "Apache" else "reverse_proxy of /away/* to {$AWAY}"
    assert other in said


def test_an_upstream_that_is_not_one_host_is_named():
    caddy = ":80 {\n  reverse_proxy web:3000 users:5000\n  reverse_proxy *.php web:3000\n}\n"
    front = "{image: caddy, volumes: ['./Caddyfile:/etc/caddy/Caddyfile']}"
    compose = COMPOSE.split("  nginx:", maxsplit=1)[0] + f"  front: {front}\n"
    found = found_in(**{**FILES, "compose.yaml": compose, "Caddyfile": caddy})
    assert found.routes == ()
    said = "\n".join(found.left_out)
    assert "front: Caddy is not started here; the entry has nothing of Caddyfile" in said
    assert "reverse_proxy of * to web:3000 users:5000" in said
    assert "reverse_proxy of *.php, a pattern" in said
