"""In which form a program wants a secret that is generated: as its code turns it into a key.

`settle` asks for each secret; what is written says it, so that the value is of that form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import code

#: A key of cryptography's Fernet: 32 bytes, as base64 for addresses.
FERNET = "{bytes: 32, form: base64}"
_NAMES_FERNET = re.compile(r"FERNET|ENCRYPTION_?KEY|CRYPTO?_?KEY")
#: What turns hexadecimal text into bytes, in the words around a variable.
_FROM_HEX = re.compile(
    r"['\"]hex['\"]|\bfromhex\(|\bunhexlify\(|\bhex\.DecodeString\(|\bhex::decode"
)
_OTHER_TEXT = re.compile(r"base64|scrypt|pbkdf2|createHash|sha256|digest", re.IGNORECASE)
#: A cipher, and the length of its key in bits.
_CIPHER = re.compile(r"aes[-_]?(128|192|256)", re.IGNORECASE)
#: So far from a variable's name its form is said, in characters.
_NEAR = 200
_KEY_BITS = 256


def form_of(name: str, folder: Folder) -> str:
    """Return what a list of secrets says of one besides its name; "" where any text will do."""
    texts = [text for _, text in code.texts(folder)]
    around = [*_around(name, texts)]
    if any("Fernet(" in text for text in texts):
        asks = any("Fernet" in near for near in around) or _NAMES_FERNET.search(name)
        if asks:
            return FERNET
    bits = next((int(m[1]) for text in texts for m in [_CIPHER.search(text)] if m), 0)
    if any(map(_FROM_HEX.search, around)):
        return f"{{bytes: {(bits or _KEY_BITS) // 8}}}"
    is_key = bits and any(map(_CIPHER.search, around)) and not any(map(_OTHER_TEXT.search, around))
    # As many characters as the key has bytes, where its text is the key.
    return f"{{bytes: {bits // 16}}}" if is_key and bits >= _KEY_BITS else ""


def _around(name: str, texts: Iterable[str]) -> Iterable[str]:
    """Yield the code around each place where a variable is named."""
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    for text in texts:
        for match in pattern.finditer(text):
            yield text[max(0, match.start() - _NEAR) : match.end() + _NEAR]
