"""Records, frozen: what an approval is. They import nothing but each other."""
