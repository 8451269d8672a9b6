resource "aws_rds_global_cluster" "shop" {
  global_cluster_identifier = "shop"
  engine                    = "aurora-postgresql"
}
