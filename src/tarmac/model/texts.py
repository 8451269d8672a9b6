"""Texts of the model that are rendered into other languages, by the characters they may have.

Used by the classes of the model. A registry is written into a shell line, an owner into CODEOWNERS,
a domain into the template of an alert: no pattern lets in a quote, a space, a line's end, `$` or a
brace.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from tarmac.base.written import as_written

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_NODE_LABEL = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"

DOMAIN = rf"^{_LABEL}(\.{_LABEL})*$"
EXTERNAL_HOST = r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
REGISTRY = r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*$"
OWNER = r"^@?[A-Za-z0-9][A-Za-z0-9._+-]*([/@][A-Za-z0-9._-]+)*$"
TAG = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
IMAGE = r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64})$"
DIGEST = r"^sha256:[0-9a-f]{64}$"
LOWER_WORDS = r"^[a-z0-9]+(-[a-z0-9]+)*$"
STORE_VERSION = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
LABEL_KEY = rf"^([a-z0-9][a-z0-9.-]*/)?{_NODE_LABEL}$"
LABEL_VALUE = rf"^({_NODE_LABEL})?$"
BASE_URL = r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%@+-]*)*)?$"
DIRECTORY = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%+-]+)*/?$"
REPOSITORY = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%+-]+)+$"
#: A file's name stands in SQL, in a key of a ConfigMap and in psql's own commands.
FILE = r"^[A-Za-z0-9._/@+-]+$"
#: A folder's stands in quotes in scripts, and in the rules of pipelines.
FOLDER = r"""^[^\x00-\x1f\x7f"'`$\\{}%;&|<>*?!#]+$"""
#: A login stands in SQL, in URLs and in the configuration of servers, as it is.
LOGIN_NAME = r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}$"
LOGIN_SIGNS = r"^[A-Za-z0-9._~!*+=,-]{0,64}$"
PATH_PREFIX = r"^[A-Za-z0-9/._~%:@+*!,=-]*$"


def _as_text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return as_written(value) if is_number else value


Domain = Annotated[str, StringConstraints(pattern=DOMAIN)]
ExternalHost = Annotated[str, StringConstraints(pattern=EXTERNAL_HOST)]
Registry = Annotated[str, StringConstraints(pattern=REGISTRY)]
Owner = Annotated[str, StringConstraints(pattern=OWNER)]
Tag = Annotated[str, StringConstraints(pattern=TAG)]
Image = Annotated[str, StringConstraints(pattern=IMAGE)]
Digest = Annotated[str, StringConstraints(pattern=DIGEST)]
#: A cloud, a region of one, a zone of that.
CloudName = Annotated[str, StringConstraints(pattern=LOWER_WORDS)]
StoreVersion = Annotated[str, StringConstraints(pattern=STORE_VERSION)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY)]
LabelValue = Annotated[str, StringConstraints(pattern=LABEL_VALUE)]
BaseUrl = Annotated[str, StringConstraints(pattern=BASE_URL)]
#: A repository that a browser finds, too; no credentials stand in it.
RepositoryUrl = Annotated[str, StringConstraints(pattern=REPOSITORY)]
#: Where an authority that speaks ACME says what it offers.
Directory = Annotated[str, StringConstraints(pattern=DIRECTORY)]
FilePath = Annotated[str, StringConstraints(pattern=FILE)]
FolderPath = Annotated[str, StringConstraints(pattern=FOLDER)]
PathPrefix = Annotated[str, StringConstraints(pattern=PATH_PREFIX)]
LoginName = Annotated[str, StringConstraints(pattern=LOGIN_NAME)]
#: A number, too: it is read as it is written.
LoginPassword = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    StringConstraints(pattern=LOGIN_SIGNS),
]
#: `team@example.com`.
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]

#: What each pattern wants, for a person.
WORDS = {
    DOMAIN: "write a domain in lower case, e.g. shop.example.com",
    EXTERNAL_HOST: "write the name of a host, e.g. api.stripe.com",
    REGISTRY: "write HOST/PATH in lower case, e.g. registry.example.com/shop",
    OWNER: "write a team or an address, e.g. @acme/shop",
    TAG: "use up to 128 letters, digits, '.', '_' and '-'",
    IMAGE: "write a tag, or sha256: and 64 hexadecimal digits",
    DIGEST: "write sha256: and 64 hexadecimal digits",
    LOWER_WORDS: "use a-z, 0-9 and '-', e.g. eu-central-1",
    STORE_VERSION: 'write a version in quotes, e.g. "16"',
    LABEL_KEY: "write the key of a label of Kubernetes, e.g. example.com/role",
    LABEL_VALUE: "use up to 63 letters, digits, '.', '_' and '-'",
    BASE_URL: "write an address like https://example.com/runbooks",
    DIRECTORY: "write an address like https://acme-v02.api.letsencrypt.org/directory",
    REPOSITORY: "write an address like https://github.com/acme/orders",
    FILE: "write a path of letters, digits and the signs ._/@+-, e.g. sql/schema.sql",
    FOLDER: "write a path without quotes and the signs $ ` \\ { } % ; & | < > * ? ! #",
    LOGIN_NAME: "use up to 32 letters, digits, '_', '.' and '-'",
    LOGIN_SIGNS: "use letters, digits and the signs ._~!*+=,-",
    PATH_PREFIX: "use letters, digits and the signs /._~%:@+*!,=-, e.g. /orders",
}
