-- What a metastore has to give the same answer to with and without hybridfs. One statement ends with `;` at the end
-- of a line. ${base} is a directory on HDFS. A statement that fails has to fail alike.
-- Tables of which the metastore counts files are filled in order: which task has which rows is random otherwise.

-- databases
CREATE DATABASE sales LOCATION '${base}/sales.db';
CREATE DATABASE IF NOT EXISTS sales;
CREATE DATABASE sales;
CREATE DATABASE scratch COMMENT 'to be dropped' LOCATION '${base}/scratch.db' WITH DBPROPERTIES ('owner_team' = 'data');
ALTER DATABASE scratch SET DBPROPERTIES ('owner_team' = 'platform');
DESCRIBE DATABASE EXTENDED scratch;
USE sales;

-- data source tables: Parquet, ORC, CSV, JSON, text
CREATE TABLE orders (id BIGINT, customer STRING, amount DECIMAL(10, 2), day DATE) USING parquet;
INSERT INTO orders VALUES (1, 'ann', 10.50, DATE '2024-01-01'), (2, 'ben', 20.25, DATE '2024-01-01'), (3, 'cid', 7.00, DATE '2024-01-02');
INSERT INTO orders SELECT id + 100, upper(customer), amount * 2, date_add(day, 1) FROM orders;
SELECT * FROM orders ORDER BY id;
SELECT customer, sum(amount) FROM orders WHERE id > 1 GROUP BY customer ORDER BY customer;
CREATE TABLE orders_orc USING orc AS SELECT * FROM orders;
SELECT count(*), sum(amount) FROM orders_orc;
CREATE TABLE orders_csv USING csv OPTIONS ('header' = 'true') AS SELECT * FROM orders;
SELECT * FROM orders_csv ORDER BY id;
CREATE TABLE orders_json USING json AS SELECT * FROM orders WHERE id < 100;
SELECT customer, amount FROM orders_json ORDER BY customer;
CREATE TABLE notes USING text AS SELECT customer AS value FROM orders;
SELECT value FROM notes ORDER BY value;
INSERT OVERWRITE TABLE orders_csv SELECT * FROM orders WHERE id < 3;
SELECT * FROM orders_csv ORDER BY id;
INSERT OVERWRITE TABLE orders_orc SELECT id, lower(customer), amount, day FROM orders WHERE id >= 100;
SELECT * FROM orders_orc ORDER BY id;
CREATE TABLE orders_orc USING orc AS SELECT 1 AS one;
CREATE OR REPLACE TEMPORARY VIEW recent AS SELECT * FROM orders WHERE day >= DATE '2024-01-02';
SELECT count(*) FROM recent;

-- data source tables with partitions
CREATE TABLE events (id BIGINT, kind STRING, day STRING) USING parquet PARTITIONED BY (day);
INSERT INTO events PARTITION (day = '2024-01-01') VALUES (1, 'click'), (2, 'view');
INSERT INTO events VALUES (3, 'click', '2024-01-02'), (4, 'buy', '2024-01-03');
SHOW PARTITIONS events;
SELECT day, count(*) FROM events GROUP BY day ORDER BY day;
SELECT id FROM events WHERE day = '2024-01-02' ORDER BY id;
ALTER TABLE events ADD PARTITION (day = '2024-01-04') LOCATION '${base}/elsewhere/day4';
INSERT INTO events PARTITION (day = '2024-01-04') VALUES (5, 'view');
ALTER TABLE events ADD IF NOT EXISTS PARTITION (day = '2024-01-04');
ALTER TABLE events ADD PARTITION (day = '2024-01-01');
ALTER TABLE events PARTITION (day = '2024-01-03') RENAME TO PARTITION (day = '2024-02-03');
SELECT * FROM events ORDER BY id;
ALTER TABLE events DROP PARTITION (day = '2024-01-02');
ALTER TABLE events DROP PARTITION (day = '1999-01-01');
ALTER TABLE events DROP IF EXISTS PARTITION (day = '1999-01-01');
SHOW PARTITIONS events;
SET spark.sql.sources.partitionOverwriteMode = dynamic;
INSERT OVERWRITE TABLE events SELECT id + 10, kind, day FROM events WHERE day = '2024-01-01';
SELECT * FROM events ORDER BY id;
SET spark.sql.sources.partitionOverwriteMode = static;
TRUNCATE TABLE events PARTITION (day = '2024-02-03');
SELECT count(*) FROM events;
ALTER TABLE events PARTITION (day = '2024-01-01') SET LOCATION '${base}/elsewhere/day1';
SELECT count(*) FROM events WHERE day = '2024-01-01';
ANALYZE TABLE events COMPUTE STATISTICS;

-- Hive SerDe tables: text, Parquet, ORC, sequence file, CSV SerDe
CREATE TABLE h_text (id INT, name STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' STORED AS TEXTFILE;
INSERT INTO h_text VALUES (1, 'one'), (2, 'two');
INSERT INTO h_text SELECT id + 10, name FROM h_text;
SELECT * FROM h_text ORDER BY id;
INSERT OVERWRITE TABLE h_text SELECT id, concat(name, '!') FROM h_text WHERE id < 10 ORDER BY id;
SELECT * FROM h_text ORDER BY id;
CREATE TABLE h_parquet STORED AS PARQUET AS SELECT * FROM orders ORDER BY id;
SELECT count(*), max(amount) FROM h_parquet;
CREATE TABLE h_orc (id BIGINT, customer STRING) STORED AS ORC;
INSERT INTO h_orc SELECT id, customer FROM orders ORDER BY id;
SELECT count(*), min(customer) FROM h_orc;
CREATE TABLE h_seq STORED AS SEQUENCEFILE AS SELECT id, customer FROM orders ORDER BY id;
SELECT * FROM h_seq ORDER BY id;
CREATE TABLE h_csv (a STRING, b STRING) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES ('separatorChar' = ';');
INSERT INTO h_csv VALUES ('x;y', 'z'), ('quoted "q"', 'w');
SELECT * FROM h_csv ORDER BY a;

-- Hive SerDe tables with partitions, static and dynamic
SET hive.exec.dynamic.partition.mode = nonstrict;
CREATE TABLE h_part (id INT, name STRING) PARTITIONED BY (year INT, month INT) STORED AS ORC;
INSERT INTO h_part PARTITION (year = 2024, month = 1) VALUES (1, 'jan');
INSERT INTO h_part PARTITION (year, month) VALUES (2, 'feb', 2024, 2), (3, 'mar', 2024, 3), (4, 'dec', 2023, 12);
INSERT OVERWRITE TABLE h_part PARTITION (year = 2024, month) SELECT id + 100, name, month FROM h_part WHERE month = 2;
SHOW PARTITIONS h_part;
SELECT * FROM h_part ORDER BY id;
ALTER TABLE h_part PARTITION (year = 2023, month = 12) RENAME TO PARTITION (year = 2022, month = 12);
ALTER TABLE h_part ADD PARTITION (year = 2025, month = 1) PARTITION (year = 2025, month = 2);
ALTER TABLE h_part DROP PARTITION (year = 2025, month = 2);
ALTER TABLE h_part DROP PARTITION (year = 2025, month = 2);
SHOW PARTITIONS h_part;
ANALYZE TABLE h_part PARTITION (year, month) COMPUTE STATISTICS;
ANALYZE TABLE h_text COMPUTE STATISTICS FOR COLUMNS id, name;

-- external tables, repair, files that come from elsewhere
INSERT OVERWRITE DIRECTORY '${base}/staging' STORED AS TEXTFILE SELECT concat_ws('|', id, customer) FROM orders WHERE id < 100 ORDER BY id;
CREATE EXTERNAL TABLE ext (id INT, name STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' STORED AS TEXTFILE LOCATION '${base}/staging';
SELECT * FROM ext ORDER BY id;
INSERT OVERWRITE DIRECTORY '${base}/incoming' STORED AS TEXTFILE SELECT '77|seven' FROM (SELECT 1);
LOAD DATA INPATH '${base}/incoming' INTO TABLE ext;
SELECT * FROM ext ORDER BY id;
LOAD DATA INPATH '${base}/not-there' INTO TABLE ext;
INSERT OVERWRITE DIRECTORY '${base}/lake/day=1' USING parquet SELECT 1 AS id, 'a' AS kind;
INSERT OVERWRITE DIRECTORY '${base}/lake/day=2' USING parquet SELECT 2 AS id, 'b' AS kind;
CREATE TABLE lake (id INT, kind STRING, day INT) USING parquet PARTITIONED BY (day) LOCATION '${base}/lake';
SELECT count(*) FROM lake;
MSCK REPAIR TABLE lake;
SHOW PARTITIONS lake;
SELECT * FROM lake ORDER BY id;
INSERT OVERWRITE DIRECTORY '${base}/lake/day=3' USING parquet SELECT 3 AS id, 'c' AS kind;
ALTER TABLE lake RECOVER PARTITIONS;
SELECT * FROM lake ORDER BY id;
CREATE EXTERNAL TABLE h_ext (id INT, kind STRING) PARTITIONED BY (day INT) STORED AS PARQUET LOCATION '${base}/lake';
MSCK REPAIR TABLE h_ext;
SELECT day, kind FROM h_ext ORDER BY day;
DROP TABLE h_ext;
SELECT * FROM parquet.`${base}/lake/day=3`;

-- views, renames, other alterations
CREATE VIEW big_orders AS SELECT id, amount FROM orders WHERE amount > 10;
SELECT * FROM big_orders ORDER BY id;
ALTER VIEW big_orders AS SELECT id FROM orders WHERE amount > 20;
SELECT * FROM big_orders ORDER BY id;
ALTER VIEW big_orders RENAME TO huge_orders;
SHOW CREATE TABLE huge_orders;
ALTER TABLE orders_json RENAME TO orders_renamed;
SELECT count(*) FROM orders_renamed;
SELECT count(*) FROM orders_json;
ALTER TABLE h_text RENAME TO h_text2;
SELECT * FROM h_text2 ORDER BY id;
ALTER TABLE orders ADD COLUMNS (note STRING COMMENT 'free text');
INSERT INTO orders VALUES (500, 'eva', 1.00, DATE '2024-03-01', 'new');
SELECT id, note FROM orders ORDER BY id;
ALTER TABLE orders SET TBLPROPERTIES ('quality' = 'gold');
SHOW TBLPROPERTIES orders ('quality');
ALTER TABLE h_csv SET LOCATION '${base}/staging';
ALTER TABLE h_csv SET SERDEPROPERTIES ('separatorChar' = '|');
SELECT * FROM h_csv ORDER BY a;
ALTER TABLE notes SET LOCATION '${base}/nothing-yet';
SELECT count(*) FROM notes;
CREATE TABLE like_events LIKE events;
SHOW CREATE TABLE like_events;
SHOW CREATE TABLE ext;
DESCRIBE h_part PARTITION (year = 2024, month = 1);
ANALYZE TABLE orders COMPUTE STATISTICS FOR ALL COLUMNS;
DESCRIBE orders amount;
REFRESH TABLE orders;
CREATE FUNCTION reversed AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper';
SELECT reversed(customer) FROM orders ORDER BY 1;

-- bucketed and sorted
CREATE TABLE bucketed (id BIGINT, customer STRING) USING parquet CLUSTERED BY (id) SORTED BY (id) INTO 4 BUCKETS;
INSERT INTO bucketed SELECT id, customer FROM orders;
SELECT count(*) FROM bucketed a JOIN bucketed b ON a.id = b.id;

-- the end of things
TRUNCATE TABLE orders_orc;
SELECT count(*) FROM orders_orc;
TRUNCATE TABLE ext;
INSERT INTO missing_table VALUES (1);
SELECT * FROM parquet.`${base}/not-there`;
DROP TABLE h_seq PURGE;
DROP TABLE h_seq;
DROP TABLE IF EXISTS h_seq;
CREATE VIEW tiny_orders AS SELECT id FROM orders WHERE amount < 10;
DROP VIEW tiny_orders;
DROP VIEW tiny_orders;
CREATE TABLE scratch.temp USING orc AS SELECT 1 AS one;
DROP DATABASE scratch;
DROP DATABASE scratch CASCADE;
SHOW TABLES;
SHOW DATABASES;
