"""What changes in PostgreSQL's tables, read from its log: decoding, records, the stream.

Used by the capture service; `settling` runs in the service that owns the tables. Importing this
package imports no client: `stream` imports psycopg2 when it connects.
"""

from __future__ import annotations
