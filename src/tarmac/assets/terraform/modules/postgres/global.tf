# Aurora in two regions: what is written here is read there a second later, and can take writes there.
resource "aws_rds_global_cluster" "this" {
  count = local.leads ? 1 : 0

  global_cluster_identifier = var.global.identifier
  # Its engine, version and encryption are those of the cluster: one that is there already can lead.
  source_db_cluster_identifier = aws_rds_cluster.this[0].arn
  # Its clusters are taken out of it, and stay or go by themselves.
  force_destroy       = !var.protected
  deletion_protection = var.protected
}
