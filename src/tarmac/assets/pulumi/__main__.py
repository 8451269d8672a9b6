"""AWS of one environment: network, cluster, stores, image repositories, roles of service accounts.

The program is the same in every environment; `Pulumi.ENVIRONMENT.yaml` has the values.
"""

from __future__ import annotations

import pulumi
from cluster import make_cluster
from entries import make_password, write_address
from network import make_network
from registry import make_repository
from roles import make_role
from stores import make_postgres, make_redis

values = pulumi.Config("environment").require_object("values")
name = f"{values['project']}-{values['environment']}"

network = make_network(name, values)
cluster = make_cluster(name, values, network)
# What External Secrets reads; without, a person writes it.
entries = values.get("entries")
under, number = (f"{entries['under']}/servers", entries["number"]) if entries else ("", 0)
for entry in entries["generated"] if entries else ():
    make_password(entry, values)
administrators = {
    server: make_password(f"{under}/{server}/admin-{number}", values)
    for server in values.get("postgres", {})
    if entries
}
databases = {
    server: make_postgres(
        f"{name}-{server}", settings, values, network, cluster, administrators.get(server)
    )
    for server, settings in values.get("postgres", {}).items()
}
caches = {
    server: make_redis(f"{name}-{server}", settings, values, network, cluster)
    for server, settings in values.get("redis", {}).items()
}
hosts = {server: one.address for server, one in databases.items()}
hosts |= {server: one.primary_endpoint_address for server, one in caches.items()}
for server, host in hosts.items() if entries else ():
    write_address(f"{under}/{server}/host", host, values)
repositories = {one: make_repository(one, values) for one in values["repositories"]}
roles = {
    account: make_role(account, role, values, cluster)
    for account, role in values.get("service_roles", {}).items()
}

pulumi.export("vpc_id", network.vpc.id)
pulumi.export("eks_cluster_name", cluster.eks.name)
pulumi.export("rds_endpoint", {key: one.address for key, one in databases.items()})
pulumi.export(
    "rds_master_secret",
    {
        key: f"{under}/{key}/admin-{number}" if entries else one.master_user_secrets[0].secret_arn
        for key, one in databases.items()
    },
)
pulumi.export("redis_endpoint", {key: one.primary_endpoint_address for key, one in caches.items()})
pulumi.export("repositories", {key: one.repository_url for key, one in repositories.items()})
pulumi.export("role_arns", {key: one.arn for key, one in roles.items()})
