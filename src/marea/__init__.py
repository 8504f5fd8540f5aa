"""Marea keeps a CRM, portal or shop aligned with an ERP database."""

__version__ = "0.1.0"
