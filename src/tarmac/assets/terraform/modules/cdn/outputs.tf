output "name" {
  description = "The distribution's own host name."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "zone_id" {
  description = "CloudFront's zone, for records that lead to the distribution."
  value       = aws_cloudfront_distribution.this.hosted_zone_id
}

output "id" {
  description = "The distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "bucket" {
  description = "The bucket of the files."
  value       = aws_s3_bucket.files.id
}
