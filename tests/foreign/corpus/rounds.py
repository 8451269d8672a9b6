"""What the page of the corpus says of each round of repositories not met before, for measure.py."""

from __future__ import annotations

UNSEEN_HEAD = """
## Not met before

The table above is of repositories that `init` was made with, so it says little of the next one. On
2026-11-26 twenty-two further ones were chosen by their names, of 1 to 9 programs each: none had
been tried. Seven more were left out before `init` was run: larger ones, a collection of exercises,
and such as have no compose file. The protocol:

1. Write down from the repository's own files which programs and stores it has.
2. Run `init` once, and write down what it recognised. This is *First*.
3. Correct kinds of faults, with small files of our own as tests. No rule names a repository.
4. Run it again: *Later*. These repositories are known from now on; the next measurement needs
   others.

A program or store counts by the name that its compose file gives it: one that was recognised
without that file, and so under another name and without its variables, does not count.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
UNSEEN_STARTED = """
Started by `tarmac up -d` without an edit, where this machine has the tools. The others need
MongoDB, Kafka, Elasticsearch, Gradle, Python 3.14, Node 22 or packages that the registries here
lack. The aim, that half of those start unedited, is not reached; some are healthy with a few lines.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""


SECOND_HEAD = """
### A second round

Eleven others on 2026-11-27, by the same protocol, after workers, Spring's settings and hosts
without a port were learnt. The stores of spring-boot-microservices-course were found at first by
what its code reads, under other names, so they do not count; its compose files have names of their
own.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SECOND_STARTED = """
Started without an edit. The others need MongoDB, two brokers, Poetry, Yarn, or Maven packages.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
THIRD_HEAD = """
### A third round

Ten others on the same day, after what the second one taught; a template was left out.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
THIRD_STARTED = """
Started without an edit. Two name their database in their code alone, and one downloads a library
from a host that is not reached here.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FOURTH_HEAD = """
### A fourth round

Fifteen others on the same day, of Python, Node, Go and Java.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FOURTH_STARTED = """
Started without an edit. *Edited* is the first file with a few other lines. Three need Python 3.14,
Node 25 and Node 12. Of the twelve others 3 were healthy at first (25 %), and 9 with five lines at
most (75 %); later 11 (91 %). The last one starts nowhere: its code misspells a setting of its own.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FIFTH_HEAD = """
### A fifth round

Six others on the same day, after what the fourth one taught. A seventh was left out: the clone
lacks files that it needs.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FIFTH_STARTED = """
Started without an edit: 3 of 6 were healthy at first (50 %), and 4 with five lines at most (66 %);
later 4 and 5.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
SIXTH_HEAD = """
### A sixth round

Four others on the same day. In two of them the programs were found at first under other names,
because of a second compose file. The commands of the five of microservices-docker-go-mongodb had
lost their first option and their addresses, and have them later.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SIXTH_STARTED = "\nNone was started.\n"
SEVENTH_HEAD = """
### A seventh round

Six others on the same day, larger than most before: the applications of a set that was chosen for
`verify`. All six files load. A seventh, kiali/demos, is a collection of samples and is not counted.
Start scripts with conditions, the stage that is built, and programs that start others again after
an edit were not read at first.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
EIGHTH_HEAD = """
### Kept back

One more was run for the first time after these corrections, and not again. Its API was found by its
Procfile, under another name: the compose file names released images of it.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
NINTH_HEAD = """
### A ninth round

Twenty-five others on 2026-11-28, of Python, Node, Go and Java, of many shapes: settings in TOML,
JSON, INI and YAML, Procfiles, manifests alone, images that only others' services build. Left out
were two templates, whose names are not filled in, and one of which the clone lacks files.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
NINTH_STARTED = """
Started without an edit, with the package managers that `init` names and FerretDB for MongoDB: 6 of
18 were healthy at first (33 %), and 10 with five lines at most (55 %); later 14 (77 %). The
others need Java 8 and 11, Python 3.14, Node 22, a Gradle distribution, or a MongoDB that knows more
logins.
*Edited* is the first file with the other lines of the later one.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TENTH_HEAD = """
### A tenth round

Ten others, chosen with those of the ninth and not run before its corrections: *First* is after
them. *Later* is after what these ten taught.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TENTH_STARTED = """
Started without an edit: 2 of 7 were healthy at first (28 %), and 4 with five lines at most (57 %);
later 6 (85 %). The others need Python 3.7 and 3.8 or Node 22.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
ELEVENTH_HEAD = """
### An eleventh round

Twenty others on the same day, after fixed addresses of stores, plans of what is written and fronts
of nginx were learnt: five each of Python, Node, Go and Java, chosen by their names, of 1 to 5
programs. `init` was run before they were looked at. An nginx in front of others is none of these
programs: its paths go to the entry. What a compose file has in profiles that are off does not
count. The store of go-admin is found no more: the settings that its image is given name SQLite.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
ELEVENTH_STARTED = """
Started without an edit, with FerretDB for MongoDB: 4 of 13 were healthy at first (30 %), and later
9 (69 %). The others need Java 8 and 21, Node 16, a package from GitHub, and packages of npm and a
module of Go that the registries here lack. The aim, half of them at first, is not reached.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TWELFTH_HEAD = """
### A twelfth round

Twenty others on the same day, after brokers and stores without a login, fronts of Apache and Caddy
and JSON with remarks were learnt: Python, Node, Go, Java and Rust, with workspaces, Procfiles,
manifests alone, Dockerfiles alone, and one without any of these; chosen by their names, of 1 to 8
programs. One more was left out: its clone has no files. An Apache or a Caddy in front of others is
none of these programs. A store of manifests counts by the name of its Deployment or its Service.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TWELFTH_STARTED = """
Started without an edit, with FerretDB for MongoDB: 4 of 11 were healthy at first (36 %), and 5 with
five lines at most (45 %); later 9 (81 %). The others need Java 8, Node 22, clang, NATS Streaming,
what npm packages download from GitHub, packages of GitHub itself and one that the registries here
lack; one prints a line and ends, and of one no program was found. The aims at first, 85 % of the
programs, 90 % of the stores and half of those started, are not reached.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
THIRTEENTH_HEAD = """
### A thirteenth round

Sixteen others on the same day, after servers of settings, watchers and lists of packages were
learnt: systems of several programs, mostly of people who are not known for them, of Python, Node,
Go, Java and Rust, with compose files (one, several, one for each program, or with a profile for
each program), Skaffold, workspaces, and Dockerfiles alone. Two more were left out: a compose file
that Compose itself refuses, which `init` refuses as well, and a generator without a program.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
THIRTEENTH_STARTED = """
Started without an edit: 0 of 9 were healthy at first (0 %), one of which was said to be, and later
6 (66 %). *Edited* was tried once. Not started were those that need Python 3.14 and Node 22, NATS
Streaming, keys that their repositories lack, a version of a package that its registry lacks, and
what crates have from GitHub; one that was broken off does not count. The aims at first, 85 % of the
programs, 90 % of the stores and half of those started, are missed by far: systems of several
programs have more that only their authors know than those of one.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FOURTEENTH_HEAD = """
### A fourteenth round

Ten others, chosen in the same way; *First* is after the corrections that the thirteenth taught, and
*Later* after those that these ten did.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FOURTEENTH_STARTED = """
Started without an edit, with FerretDB for MongoDB: 2 of 4 were healthy at first (50 %), and later.
The others need Java 8, Python 3.6 and 3.7, files that their repositories lack, and one was not
compiled within five minutes beside other work.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FIFTEENTH_HEAD = """
### A fifteenth round

Fourteen others on the same day, of more kinds than before: demos of microservices in Python, Node,
Go, Java, .NET and several languages, products (Mealie, Gotify, Lobsters, BookStack), a workspace
with packages, Celery with Django and with FastAPI, Ruby and PHP. What each has was written down
from its files before `init` was run. A gateway, a log shipper and an identity server of others are
none of these programs. A broker has no name in the file, and counts by its kind.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FIFTEENTH_STARTED = """
Four of those whose tools are there were started without an edit, with FerretDB for MongoDB: 1 was
healthy at first (25 %), one more was said to be, and later 3 (75 %). A fifth needs a newer Node.
The aims at first: of the programs, 85 %, it is reached; of the stores, 90 %, and of those started,
half, they are not.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
SIXTEENTH_HEAD = """
### A sixteenth round

Eight others, chosen in the same way; *First* is after the corrections that the fifteenth taught,
and *Later* after those that these eight did. A ninth was left out: a library.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SIXTEENTH_STARTED = """
None of them counts as started: they need .NET, Ruby, Java 22, Python 3.8.1, a Kafka with
certificates, Prisma's engine, a MongoDB that knows more logins, and a file of settings that its own
program asks people for. The one that is still not found is a second broker, of which a system has
one. Of the aims at first, that of the programs is reached, and that of the stores is not.
"""
SEVENTEENTH_HEAD = """
### A seventeenth round

Fifteen others, chosen in the same way, mostly in Python (Django, Flask, FastAPI, Celery), with
Node, Go, Java and Kotlin beside it: products (Aleph, Augur, MediaCMS, IntelOwl), a training ground
of several languages (crAPI), shops and demos. A program counts where its command, folder and port
are right, and a store where its programs reach it, too. What is a second page or a tool of others
is none of these programs; Consul and a maker of reports are none of these stores.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SEVENTEENTH_STARTED = """
Nine of those whose tools are there were started without an edit, with FerretDB for MongoDB, and
with a Kafka and an OpenSearch of their jars: 1 was healthy at first (11 %), two more were said to
be, and later 5 (55 %); MediaCMS is so without its workers, which are not found. *Edited* was tried
once, on the one that lacks values. Not started were those that need Gradle from its own server,
Meilisearch, Consul, images of others that take documents apart, and packages that are not installed
within four minutes, nor IntelOwl, of which little more than its pages is found. Of the aims, none
is reached at first, and each is later: 85 % of the programs, 90 % of the stores, half of those
started. Still not found are workers that a start script gives supervisord by copying files, and a
product whose compose files have names of their own, of which its own start script takes some.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
EIGHTEENTH_HEAD = """
### An eighteenth round

Fifteen others, chosen in the same way, mostly in Python (FastAPI, Flask, Django, Pyramid; Celery,
gRPC, pika), with Nest, Next, Go, Vue and React beside it: two products (Plane, Hypothesis), shops,
templates and demos, with compose files in folders and in parts, manifests alone, supervisord,
images without a build, workspaces. What counts is as in the seventeenth. One more was left out: a
compose file that Compose itself refuses, which `init` refuses as well.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
EIGHTEENTH_STARTED = """
Nine of those whose tools are there were started without an edit, with FerretDB for MongoDB: none
was healthy at first (0 %), one was said to be, and later 3 (33 %). *Edited* was tried on three, two
with versions of packages and one with a value: each is healthy with one line. Not started were
those that need Node 22, Prisma's engine, OpenSearch, Poetry, the headers of MySQL, and packages of
Git. Of the aims, none is reached at first; later that of the programs is, 85 %, and that of the
stores, 90 %, and half of those started is not: of six that fail, three have packages without
versions that fit, and three ask for values and folders that their repositories lack. Still not
found are programs that supervisord starts behind a script of its own with files of settings for
each, Flask's own usual port behind an image of others, a server that code alone names on the
machine of its container, and a store of files that an example of values leaves switched off.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
NINETEENTH_HEAD = """
### A nineteenth round

Fifteen others, chosen in the same way, nearly all in Python (FastAPI, Django, Litestar, Scrapy;
Celery, Dramatiq, FastStream, gRPC, Kafka), with React beside it: three products (Tasking Manager,
Yamtrack, Open Forms), templates and demos, with a Procfile alone, manifests alone, charts alone,
supervisord, Poetry, PDM, Pipenv and uv, and compose files in deep folders. What counts is as in the
seventeenth. Left out were one that Compose itself refuses, and collections of examples.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
NINETEENTH_STARTED = """
Nine of those whose tools are there were started without an edit: 1 was healthy at first (11 %), one
more was said to be, and later 3 (33 %). *Edited* was tried on two, with a version of a package and
with a variable: each is healthy with two lines at most. Two more end here for want of PostGIS and
GDAL, and are not counted; not started were those that need Poetry, Kafka and MongoDB. Of the aims,
none is reached at first; later that of the programs is, 85 %, and that of the stores, 90 %, and
half of those started is not: of six that fail, four have packages or code of another year, one
waits for a queue of AWS, and in one several programs have one port. Still not found are packages of
an image that a makefile makes for others, a worker whose Dockerfile is not where its compose file
says, and a broker that a file of settings names by its container's host name. Of what the
eighteenth round left, the programs of Hypothesis and Flask's own usual port are found now.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TWENTIETH_HEAD = """
### A twentieth round

Fourteen others on 2026-11-29, chosen in the same way, mostly in Python (FastAPI, Django, Flask,
Litestar, aiohttp; Celery, pika), with Nest, Next, React and Go beside it: two products (Fief,
Tandoor), shops, a tracker of issues, a trading platform and templates, with an nginx for each
program, scripts that start several programs at a time, supervisord, Pipenv, uv, Poetry, profiles
for each container, and virtual environments that git keeps. What counts is as in the seventeenth; a
program that is told another one's interpreter does not. Left out was one that Compose itself
refuses.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TWENTIETH_STARTED = """
Nine of those whose tools are there were started without an edit, with MySQL's headers: 2 were
healthy at first (22 %), and later 6 (66 %). *Edited* was tried on one, with a key and a version of
a package: it is healthy. Of litestar-cqrs-example a backup and a copy were taken for databases at
first. Not counted are five: one whose packages are not installed within five minutes beside other
work, one of which the registry here lacks a package (its other program is healthy later), and those
that need Node 22 and LDAP's headers, PostgreSQL's pg_cron, or MongoDB and Kafka. Of the aims, none
is reached at first, and each is later: 85 % of the programs, 90 % of the stores, half of those
started. Of three that fail, two have packages of another year, which `uv pip compile
--exclude-newer` finds by the day of the list, and one asks for values that its repository lacks.
Still not found are a database that a file of settings names by its container's other name, and a
broker that it names at another port than the usual one.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TWENTY_FIRST_HEAD = """
### A twenty-first round

Fourteen others on 2026-11-29, chosen in the same way: Django, FastAPI and Flask with Celery, Rust
(axum), Spring, Ktor, Rails, Vue with Express, and sixteen services in Go, Next and Bun. They have
one Dockerfile for eleven programs, containers for migrations alone, scripts that start nine
programs or choose by variables, `concurrently` for Python and Node, Poetry and uv, and examples
with words in the place of values. What counts is as in the seventeenth; what only makes pages again
after an edit is no program, nor is what lies in a submodule. A command that asks for another Gradle
than the repository's own does not count. flask_api was measured twice by the first code: files that
its git keeps and ignores were missing before.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TWENTY_FIRST_STARTED = """
Five of those whose tools are there were started without an edit: 1 was healthy at first (20 %), and
3 later (60 %); the crate of zero2prod_axum was built for twenty minutes beside other work, by three
calls of `up`. *Edited* was tried on one, with a package more: it is healthy. Not counted are nine:
those that need Python 3.14, Java 21 and Kafka, Gradle, Bun, Ruby, or Poetry (two), and two of which
the registry here lacks a package. Of the aims, the one of the stores is reached at first, and each
is later: 85 % of the programs, 90 % of the stores, half of those started. Of what the twentieth
left, a database that a file of settings names by its container's other name is found, a key of
Fernet is generated in its form, and a list of packages of another year is installed as of its day;
the broker at another port than the usual one is still not. Still not found are a worker whose
script chooses by a variable that a second compose file gives, and Meilisearch, which has no kind of
store.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
#: What stands above the two tables of each round.
TWENTY_SECOND_HEAD = """
### A twenty-second round

Fourteen others on 2026-11-29, chosen in the same way: FastAPI and Django with Celery, Go with
several folders below cmd/, Spring, Ktor, axum with and without React, Laravel, and three monorepos
(karakeep, linkwarden, rallly) with pnpm, Yarn and turbo. Their settings are in HOCON, in structs
that figment fills, in a .env that viper reads alone, and in lists that Windows wrote. What counts
is as in the seventeenth; what only makes pages again after an edit is no program, nor are an
extension of a browser and a site of documentation. Two were left out that earlier rounds had. A
program whose command and folder are right counts, though three of chis had another one's port at
first. No store kind is for Meilisearch: it is a service that starts what is installed, and counts
among the stores.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TWENTY_SECOND_STARTED = """
Six of those whose tools are there were started without an edit: none was healthy at first, and 4
later (66 %). *Edited* was tried on one, with a variable that lets Celery run as root: it is
healthy. Not counted are eight: those that need Java 11, another version of Rust, crates of git,
Yarn 4, Node 24 (two), Gradle and PHP. Of the aims, none is reached at first, and each is later: 85
% of the programs, 90 % of the stores, half of those started. Of what the rounds before left,
Meilisearch and Typesense are named with what they need, Ktor's variables and addresses of JDBC are
read, and a server that a file of settings names at another port than the usual one answers there.
The fourteen of the twenty-first have the same services and stores by this code, and grooveshop has
its Meilisearch. Still not found are programs of Maven beside a compose file that lists most of
them, and what only a Makefile builds for a program.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TWENTY_THIRD_HEAD = """
### A twenty-third round

Fourteen others on 2026-11-30, chosen in the same way: FastAPI and Flask with Celery and no more
than a Procfile, Ktor on Maven, Spring with ten modules and with eight, Go with folders below cmd/,
axum, Laravel, and two monorepos with turbo. What counts is as in the seventeenth. Three that were
chosen first had been in earlier rounds, so others took their places. The compose file of
Go-Microservices-Redis-Boilerplate starts the same program under three names; each of its programs
counts by the folder below cmd/ that it is for. No program of rithikreddy1912 uses yet the two
stores that its settings and its libraries are for.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TWENTY_THIRD_STARTED = """
Five of those whose tools and servers are there were started without an edit, on a machine that was
busy with other work: two were healthy at first. Of the others a first build had not ended after
five minutes, which says nothing of their files; they were not started again, so this round does not
measure a change of that share. Not counted are nine: those that need MongoDB, S3, OpenSearch, Java
21, PHP, pnpm, Poetry or TensorFlow, and one whose port another program held. Of the aims, the
first two are reached at first: 85 % of the programs, 90 % of the stores. Of what the rounds before
left, modules of Maven beside a compose file are found where they answer or listen, a Makefile that
builds a program and starts it is read, and `tarmac up --without` leaves out a store. Still not
found are the roles of a program that its flags choose, and programs of which a compose file builds
another one.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""


ROUNDS = {
    1: (UNSEEN_HEAD, UNSEEN_STARTED),
    2: (SECOND_HEAD, SECOND_STARTED),
    3: (THIRD_HEAD, THIRD_STARTED),
    4: (FOURTH_HEAD, FOURTH_STARTED),
    5: (FIFTH_HEAD, FIFTH_STARTED),
    6: (SIXTH_HEAD, SIXTH_STARTED),
    7: (SEVENTH_HEAD, SIXTH_STARTED),
    8: (EIGHTH_HEAD, SIXTH_STARTED),
    9: (NINTH_HEAD, NINTH_STARTED),
    10: (TENTH_HEAD, TENTH_STARTED),
    11: (ELEVENTH_HEAD, ELEVENTH_STARTED),
    12: (TWELFTH_HEAD, TWELFTH_STARTED),
    13: (THIRTEENTH_HEAD, THIRTEENTH_STARTED),
    14: (FOURTEENTH_HEAD, FOURTEENTH_STARTED),
    15: (FIFTEENTH_HEAD, FIFTEENTH_STARTED),
    16: (SIXTEENTH_HEAD, SIXTEENTH_STARTED),
    17: (SEVENTEENTH_HEAD, SEVENTEENTH_STARTED),
    18: (EIGHTEENTH_HEAD, EIGHTEENTH_STARTED),
    19: (NINETEENTH_HEAD, NINETEENTH_STARTED),
    20: (TWENTIETH_HEAD, TWENTIETH_STARTED),
    21: (TWENTY_FIRST_HEAD, TWENTY_FIRST_STARTED),
    22: (TWENTY_SECOND_HEAD, TWENTY_SECOND_STARTED),
    23: (TWENTY_THIRD_HEAD, TWENTY_THIRD_STARTED),
}
