output "name" {
  description = "The bucket."
  value       = aws_s3_bucket.this.id
}

output "key_arn" {
  description = "The key that encrypts it."
  value       = aws_kms_key.data.arn
}
