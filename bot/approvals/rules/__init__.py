"""The rules of approvals as pure functions: records and a time go in, the next record or a refusal comes out."""
