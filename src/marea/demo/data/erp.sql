-- The tables of a Mago4 database, as far as the demo needs them.
-- TBModified has a default only: the ERP's own programs set it, a raw UPDATE leaves it alone.

CREATE TABLE MA_TaxCodes (
    TaxCode varchar(4) NOT NULL PRIMARY KEY,
    Description varchar(128) NOT NULL DEFAULT '',
    Perc float NOT NULL DEFAULT 0,
    Exempt char(1) NOT NULL DEFAULT '0',
    Disabled char(1) NOT NULL DEFAULT '0',
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0
);

CREATE TABLE MA_ProductCtg (
    Category varchar(8) NOT NULL PRIMARY KEY,
    Description varchar(64) NOT NULL DEFAULT '',
    Disabled char(1) NOT NULL DEFAULT '0',
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0
);

CREATE TABLE MA_UnitsOfMeasure (
    BaseUoM varchar(8) NOT NULL PRIMARY KEY,
    Description varchar(64) NOT NULL DEFAULT '',
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0
);

CREATE TABLE MA_Items (
    Item varchar(21) NOT NULL PRIMARY KEY,
    Description varchar(128) NOT NULL DEFAULT '',
    BaseUoM varchar(8) NOT NULL DEFAULT '',
    TaxCode varchar(4) NOT NULL DEFAULT '',
    ProductCtg varchar(8) NOT NULL DEFAULT '',
    ProductSubCtg varchar(8) NOT NULL DEFAULT '',
    CommodityCtg varchar(8) NOT NULL DEFAULT '',
    BasePrice float NOT NULL DEFAULT 0,
    SaleBarCode varchar(21) NOT NULL DEFAULT '',
    Disabled char(1) NOT NULL DEFAULT '0',
    CreationDate datetime NOT NULL DEFAULT '1799-12-31 00:00:00.000',
    ModificationDate datetime NOT NULL DEFAULT '1799-12-31 00:00:00.000',
    TBGuid uniqueidentifier NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0
);
CREATE INDEX MA_Items_TBModified ON MA_Items (TBModified, Item);

CREATE TABLE MA_ItemsPriceLists (
    PriceList varchar(8) NOT NULL,
    Item varchar(21) NOT NULL REFERENCES MA_Items,
    ValidityStartingDate datetime NOT NULL DEFAULT '1799-12-31 00:00:00.000',
    Price float NOT NULL DEFAULT 0,
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0,
    PRIMARY KEY (PriceList, Item)
);
CREATE INDEX MA_ItemsPriceLists_TBModified ON MA_ItemsPriceLists (TBModified, PriceList, Item);

CREATE TABLE MA_CustSupp (
    CustSuppType int NOT NULL,
    CustSupp varchar(12) NOT NULL,
    CompanyName varchar(128) NOT NULL DEFAULT '',
    TaxIdNumber varchar(20) NOT NULL DEFAULT '',
    FiscalCode varchar(20) NOT NULL DEFAULT '',
    Address varchar(128) NOT NULL DEFAULT '',
    ZIPCode varchar(10) NOT NULL DEFAULT '',
    City varchar(64) NOT NULL DEFAULT '',
    County varchar(3) NOT NULL DEFAULT '',
    Country varchar(64) NOT NULL DEFAULT '',
    ISOCountryCode varchar(2) NOT NULL DEFAULT '',
    Telephone1 varchar(20) NOT NULL DEFAULT '',
    EMail varchar(128) NOT NULL DEFAULT '',
    Internet varchar(64) NOT NULL DEFAULT '',
    ContactPerson varchar(64) NOT NULL DEFAULT '',
    Currency varchar(8) NOT NULL DEFAULT 'EUR',
    Payment varchar(8) NOT NULL DEFAULT '',
    PriceList varchar(8) NOT NULL DEFAULT '',
    Language varchar(8) NOT NULL DEFAULT '',
    IBAN varchar(34) NOT NULL DEFAULT '',
    Disabled char(1) NOT NULL DEFAULT '0',
    Discount1 float NOT NULL DEFAULT 0,
    InsertionDate datetime NOT NULL DEFAULT '1799-12-31 00:00:00.000',
    TBGuid uniqueidentifier NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0,
    PRIMARY KEY (CustSuppType, CustSupp)
);
CREATE INDEX MA_CustSupp_TBModified ON MA_CustSupp (TBModified, CustSuppType, CustSupp);

CREATE TABLE MA_CustSuppCustomerOptions (
    CustSuppType int NOT NULL,
    Customer varchar(12) NOT NULL,
    Category varchar(8) NOT NULL DEFAULT '',
    Area varchar(8) NOT NULL DEFAULT '',
    Salesperson varchar(8) NOT NULL DEFAULT '',
    TaxCode varchar(4) NOT NULL DEFAULT '',
    Blocked char(1) NOT NULL DEFAULT '0',
    MaximumCredit float NOT NULL DEFAULT 0,
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0,
    PRIMARY KEY (CustSuppType, Customer),
    FOREIGN KEY (CustSuppType, Customer) REFERENCES MA_CustSupp
);
CREATE INDEX MA_CustSuppCustomerOptions_TBModified ON MA_CustSuppCustomerOptions (TBModified);

CREATE TABLE MA_CustSuppBranches (
    CustSuppType int NOT NULL,
    CustSupp varchar(12) NOT NULL,
    Branch varchar(8) NOT NULL,
    CompanyName varchar(128) NOT NULL DEFAULT '',
    Address varchar(128) NOT NULL DEFAULT '',
    City varchar(64) NOT NULL DEFAULT '',
    EMail varchar(128) NOT NULL DEFAULT '',
    Disabled char(1) NOT NULL DEFAULT '0',
    TBCreated datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBModified datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    TBCreatedID int NOT NULL DEFAULT 0,
    TBModifiedID int NOT NULL DEFAULT 0,
    PRIMARY KEY (CustSuppType, CustSupp, Branch),
    FOREIGN KEY (CustSuppType, CustSupp) REFERENCES MA_CustSupp
);
CREATE INDEX MA_CustSuppBranches_TBModified ON MA_CustSuppBranches (TBModified);
