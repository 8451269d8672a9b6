"""Argo CD as gates read it: Applications, those that sets make, and what they apply."""
