output "arn" {
  description = "The web ACL: for a distribution, or the annotation alb.ingress.kubernetes.io/wafv2-acl-arn."
  value       = aws_wafv2_web_acl.this.arn
}
