"""hotfix-operator: ships a hotfix into a burning production system safely."""
