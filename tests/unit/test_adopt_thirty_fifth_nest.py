"""A thirty-fifth round of unseen repositories: how programs of Nest start, and where."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, folder_of, found_in

from tarmac.adopt.survey.survey import survey

NEST = {
    "nest-cli.json": '{"projects": {"shop": {"root": "apps/shop"}, "mail": {"root": "apps/mail"}}}',
    "apps/shop/src/main.ts": "NestFactory.create(App).then((app) => app.listen(3177));\n",
    "apps/mail/src/main.ts": "process.env.SENDER; app.listen(3178);\n",
    "Dockerfile": "FROM node:20\nCOPY . .\nCMD npm start\n",
}
PACKAGE = '{"scripts": {"start": "nest start", "dev": "%s"}, "dependencies": {"@nestjs/core": "1"}}'


@pytest.mark.parametrize(
    ("script", "run"),
    [
        ("nest start --watch", "npx nest start shop"),
        ("nest start -w --preserveWatchOutput", "npx nest start shop"),
        ("nest start --debug --watch", "npm run dev shop"),
        ("NODE_ENV=dev nest start --watch", "npm run dev shop"),
    ],
)
def test_nest_starts_without_a_watch_that_hides_that_a_program_ended(script, run):
    compose = "services:\n  shop: {build: ., command: npm run dev shop, ports: ['3177:3177']}\n"
    files = {**NEST, "package.json": PACKAGE % script, "compose.yml": compose}
    found = {one.name: one for one in found_in(**files).services}
    assert found["shop"].run == run
    assert ("SENDER" in found["shop"].missing) is (run != "npx nest start shop")


@pytest.mark.parametrize(("ends", "ports"), [("", []), (" await app.listen(3177);", [3177])])
def test_a_program_of_nest_that_only_starts_its_microservices_has_no_port(ends, ports):
    hybrid = "const app = await NestFactory.create(App); app.connectMicroservice(options);"
    files = {
        **NEST,
        "package.json": PACKAGE % "nest start --watch",
        "apps/shop/src/main.ts": f"{hybrid} await app.startAllMicroservices();{ends}\n",
        "compose.yml": "services:\n  shop: {build: ., command: npm run dev shop, env_file: .env}\n",
        ".env": "PORT=5000\n",
    }
    found = {one.name: one for one in found_in(**files).services}
    assert [*found["shop"].ports.values()] == ports


SETTINGS = """
import { IsBoolean, IsNumber, IsOptional, IsString, IsUrl } from 'class-validator';

export class EnvironmentVariables {
  @IsNumber()
  APP_PORT: number;

  @IsUrl({ require_tld: false }) // as on a laptop
  SHOP_URL: string;

  @Transform(({ value }) => value === 'true')
  @IsBoolean()
  TRACE: boolean;

  @IsString()
  TOKEN_EXPIRES_IN: StringValue;

  @IsOptional()
  @IsString()
  SENDER?: string;

  @IsNumber()
  POOL: number = 5;
}
"""
REQUEST = (
    "export class Order {\n  @IsString()\n  name: string;\n\n  @IsString()\n  SKU: string;\n}\n"
)


def test_a_class_that_class_validator_checks_insists_on_its_fields():
    files = {
        "package.json": '{"name": "shop", "scripts": {"start": "node main.js"}}',
        "src/env.ts": SETTINGS,
        "src/order.ts": REQUEST,
        "src/main.ts": "if (process.env.TRACE === 'true') {}\nmail(process.env.SENDER);\n"
        "app.listen(config.get('APP_PORT'));\n",
    }
    (shop,) = found_in(**files).services
    assert shop.env["APP_PORT"] == "${services.shop.port}"
    assert shop.env["SHOP_URL"] == "http://localhost"
    assert shop.env["TRACE"] == "false"
    assert shop.env["TOKEN_EXPIRES_IN"] == "1h"
    assert not {"SENDER", "POOL", "SKU"} & {*shop.env, *shop.missing}
    assert "SENDER" in shop.optional


def test_a_package_below_is_built_before_its_program_starts():
    files = {
        "package.json": '{"workspaces": ["packages/*"], "scripts": {"x": "y"}}',
        "yarn.lock": "",
        "packages/api/package.json": '{"name": "api", "scripts": {"build": "tsc"}}',
        "packages/api/src/main.ts": "app.listen(3177);\n",
        "packages/api/compose.yml": "services:\n  api:\n    build: {context: ../..}\n"
        "    command: [node, ./packages/api/dist/main.js]\n",
        "packages/web/package.json": '{"scripts": {"start": "vite"}, "devDependencies": '
        '{"vite": "5"}}',
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "web.Dockerfile": "FROM nginx\nCOPY . .\n",
        "compose.yml": "services:\n  api: {extends: {file: ./packages/api/compose.yml, "
        "service: api}}\n  web: {build: {context: ., dockerfile: web.Dockerfile}}\n",
    }
    found = found_in(**files)
    starts = {one.name: one.run for one in found.services}
    made = "(cd packages/api && yarn run build) && node ./packages/api/dist/main.js"
    assert starts["api"] == made
    assert "web" in starts
    assert not any("does not show how to start" in line for line in found.left_out)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("`redis://${process.env.CACHE_HOST}:6379`", "cache"),
        ("{ host: process.env.CACHE_HOST, port: process.env.CACHE_PORT }", "${stores.cache.host}"),
    ],
)
def test_a_host_behind_which_code_says_the_usual_port_is_a_name(address, host):
    files = {
        "package.json": PACKAGE % "nest start --watch",
        "src/main.ts": f"createClient({address});\napp.listen(3177);\n",
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "compose.yml": "services:\n  web: {build: ., command: npm run dev, environment: "
        "{CACHE_HOST: cache}}\n  cache: {image: redis}\n",
    }
    (web,) = found_in(**files).services
    assert web.env["CACHE_HOST"] == host
    assert web.builds


CONNECTING = '{"scripts": {"start": "node main.js"}, "dependencies": {%s}}'


@pytest.mark.parametrize(
    ("clients", "host"),
    [('"mongoose": "8"', "${stores.db.host}"), ('"mongoose": "8", "pg": "8"', None)],
)
def test_the_place_of_a_database_is_that_of_the_one_that_a_program_knows(clients, host):
    files = {
        "package.json": CONNECTING % clients,
        "main.js": "connect(process.env.DB_HOST, process.env.DB_PORT || 27017);\n"
        "http.createServer().listen(3177);\n",
        "Dockerfile": "FROM node:20\nCOPY . .\nCMD npm start\n",
        "compose.yml": "services:\n  web: {build: .}\n  db: {image: mongo}\n",
    }
    found = survey(folder_of(files), CATALOGUE, frozenset({"mongodb"}))
    (web,) = found.services
    assert web.env.get("DB_HOST") == host
