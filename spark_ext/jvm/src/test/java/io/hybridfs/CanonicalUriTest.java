package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CanonicalUriTest {
    private static Configuration conf() {
        Configuration conf = new Configuration(false);
        conf.set("dfs.nameservices", "prod,solo");
        conf.set("dfs.namenode.rpc-address.prod.nn1", "master1.example:8020");
        conf.set("dfs.namenode.rpc-address.prod.nn2", "Master2.example");
        conf.set("dfs.namenode.rpc-address.solo", "${host}:9000");
        conf.set("host", "solo.example");
        return conf;
    }

    @ParameterizedTest
    @CsvSource({
        "hdfs://prod/x, prod", "hdfs://master1.example:8020/, prod", "hdfs://MASTER1.example/, prod",
        "hdfs://master2.example, prod", "hybridfs://solo.example:9000/, solo", "hdfs://solo.example, solo.example:8020",
        "hdfs://Other.Example:9000/x, other.example:9000", "hdfs://other/x, other:8020"})
    void oneNameForOneCluster(String uri, String authority) {
        assertEquals(authority, CanonicalUri.authority(conf(), URI.create(uri)));
    }

    @ParameterizedTest
    @CsvSource({"/, hdfs://a/", "//a//b/, hdfs://a/a/b", "/ü %41/é, hdfs://a/ü %41/é"})
    void pathsStayAsTheOriginNamesThem(String path, String uri) {
        assertEquals(uri, CanonicalUri.file("a", path));
    }

    @Test
    void domains() {
        assertEquals("hdfs-nn%3A8020", CanonicalUri.domain("hdfs-nn:8020"));
        assertEquals("hdfs-%C3%BC", CanonicalUri.domain("hdfs-ü"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/t/_temporary/0/a", "/t/.hive-staging_x/a", "/t/_SUCCESS", "/t/.a.crc", "/d/.snapshot/s/f"})
    void whatWritersHideIsNotCached(String path) {
        assertTrue(PathRules.temporary(path));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/t/_delta_log/0.json", "/t/metadata/v1.json", "/t/p=_x/a_b.c", "/warehouse/t/part-0"})
    void tableFormatsMetadataIs(String path) {
        assertFalse(PathRules.temporary(path));
    }
}
