"""PostgreSQL of RDS and Redis of ElastiCache: private, encrypted, open to the nodes alone."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
from cluster import MANAGED, Cluster
from network import Network, trusted

BACKUP_WINDOW, MAINTENANCE_WINDOW = "03:00-04:00", "sun:04:30-sun:05:30"
PARAMETERS = {
    "rds.force_ssl": "1",
    "log_statement": "ddl",
    "log_min_duration_statement": "1000",
}


def make_postgres(
    name: str,
    settings: dict[str, Any],
    values: dict[str, Any],
    network: Network,
    cluster: Cluster,
    password: pulumi.Output[str] | None,
) -> aws.rds.Instance:
    """Make a server with its standby.

    Args:
        password: its administrator's; None: AWS makes it, keeps and renews it.
    """
    key, group = _key(name), _group(name, "PostgreSQL", 5432, network, cluster)
    subnets = aws.rds.SubnetGroup(
        name, name=name, subnet_ids=[subnet.id for subnet in network.private]
    )
    role = aws.iam.Role(
        f"{name}-monitoring",
        name=f"{name}-monitoring",
        assume_role_policy=trusted("monitoring.rds.amazonaws.com"),
    )
    policy = f"{MANAGED}/service-role/AmazonRDSEnhancedMonitoringRole"
    aws.iam.RolePolicyAttachment(f"{name}-monitoring", role=role.name, policy_arn=policy)
    parameters = aws.rds.ParameterGroup(
        name,
        name=f"{name}-{settings['version']}",
        family=f"postgres{settings['version']}",
        parameters=[{"name": key, "value": value} for key, value in PARAMETERS.items()],
    )
    protected = values["protected"]
    return aws.rds.Instance(
        name,
        identifier=name,
        engine="postgres",
        # The major alone: AWS retires minors, and then nothing can be made by them.
        engine_version=settings["version"],
        instance_class=settings["instance"],
        allocated_storage=settings["disk_gb"],
        max_allocated_storage=settings["disk_gb"] * 4,
        storage_type="gp3",
        storage_encrypted=True,
        kms_key_id=key.arn,
        username="postgres",
        password=password,
        manage_master_user_password=True if password is None else None,
        iam_database_authentication_enabled=True,
        multi_az=settings["instances"] > 1,
        publicly_accessible=False,
        db_subnet_group_name=subnets.name,
        vpc_security_group_ids=[group.id],
        parameter_group_name=parameters.name,
        backup_retention_period=settings["backup_days"],
        backup_window=BACKUP_WINDOW,
        maintenance_window=MAINTENANCE_WINDOW,
        auto_minor_version_upgrade=True,
        copy_tags_to_snapshot=True,
        enabled_cloudwatch_logs_exports=["postgresql"],
        monitoring_interval=60,
        monitoring_role_arn=role.arn,
        performance_insights_enabled=True,
        performance_insights_kms_key_id=key.arn,
        deletion_protection=protected,
        apply_immediately=not protected,
        skip_final_snapshot=not protected,
        final_snapshot_identifier=f"{name}-final",
        opts=pulumi.ResourceOptions(protect=protected),
    )


def make_redis(
    name: str, settings: dict[str, Any], values: dict[str, Any], network: Network, cluster: Cluster
) -> aws.elasticache.ReplicationGroup:
    """Make a server with its replicas. It has no password: only nodes reach it, and only by TLS."""
    key, group = _key(name), _group(name, "Redis", 6379, network, cluster)
    subnets = aws.elasticache.SubnetGroup(
        name, name=name, subnet_ids=[subnet.id for subnet in network.private]
    )
    several, protected = settings["instances"] > 1, values["protected"]
    return aws.elasticache.ReplicationGroup(
        name,
        replication_group_id=name,
        description=f"Redis of {name}",
        engine="redis",
        engine_version=settings["version"],
        node_type=settings["instance"],
        num_cache_clusters=settings["instances"],
        automatic_failover_enabled=several,
        multi_az_enabled=several,
        port=6379,
        subnet_group_name=subnets.name,
        security_group_ids=[group.id],
        at_rest_encryption_enabled=True,
        kms_key_id=key.arn,
        transit_encryption_enabled=True,
        snapshot_retention_limit=settings["backup_days"],
        snapshot_window=BACKUP_WINDOW,
        maintenance_window=MAINTENANCE_WINDOW,
        apply_immediately=not protected,
        final_snapshot_identifier=f"{name}-final" if protected else None,
        opts=pulumi.ResourceOptions(protect=protected),
    )


def _key(name: str) -> aws.kms.Key:
    return aws.kms.Key(
        name, description=f"Data of {name}", enable_key_rotation=True, deletion_window_in_days=30
    )


def _group(
    name: str, what: str, port: int, network: Network, cluster: Cluster
) -> aws.ec2.SecurityGroup:
    """Make the group of a store, which lets in what has the nodes' group."""
    group = aws.ec2.SecurityGroup(
        name,
        name=name,
        description=f"{what} of {name}",
        vpc_id=network.vpc.id,
        tags={"Name": name},
    )
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        description=f"{what} from nodes",
        referenced_security_group_id=cluster.nodes.id,
        from_port=port,
        to_port=port,
        ip_protocol="tcp",
    )
    return group
