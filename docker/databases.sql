-- Run once by the database's image, when its volume is empty: Prefect has tables of its own.
create database prefect;
