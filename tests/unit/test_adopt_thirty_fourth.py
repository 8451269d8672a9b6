"""What a thirty-fourth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

from repository import found_in, runs

NEST = "const app = await NestFactory.create(App);\nawait app.listen(5001);\n"


def test_an_image_of_one_of_nests_programs_hides_none_of_them():
    projects = '{"projects": {"api": {"root": "apps/api"}, "mails": {"root": "apps/mails"}}}'
    files = {
        "package.json": '{"scripts": {"start": "nest start"}, "dependencies": {"a": "1"}}',
        "nest-cli.json": projects,
        "apps/api/src/main.ts": NEST,
        "apps/api/Dockerfile": 'FROM node:20\nCOPY . .\nCMD ["node", "dist/main"]\n',
        "apps/mails/src/main.ts": "NestFactory.createMicroservice(App);\n",
    }
    assert runs(found_in(**files)) == {"api": "npx nest start api", "mails": "npx nest start mails"}
