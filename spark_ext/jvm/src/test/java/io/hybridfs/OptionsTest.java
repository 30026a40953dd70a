package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Paths;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionsTest {
    private static Options options(String... pairs) {
        Configuration conf = new Configuration(false);
        for (int i = 0; i < pairs.length; i += 2) {
            conf.set(pairs[i], pairs[i + 1]);
        }
        return new Options(conf);
    }

    @Test
    void defaults() {
        Options options = options(Options.CACHE_DIR, "/c");
        assertEquals(20L << 30, options.disk.get(0).budget);
        assertEquals(Paths.get("/c"), options.disk.get(0).dir);
        assertEquals(0, options.memory);
        assertEquals(1L << 30, options.minFree);
        assertEquals(0, options.blockSize);
        assertEquals(30_000, options.freshnessMillis);
        assertEquals(8 << 20, options.fetchSize);
        assertEquals(8, options.fetchStreams);
        assertEquals(32L << 20, options.readahead);
        assertEquals(60_000, options.lockTimeoutMillis);
        assertTrue(options.enabled);
        assertTrue(options.include.isEmpty() && options.exclude.isEmpty());
        assertEquals(0, options.maxFileSize);
        assertEquals(0, options.maxAgeMillis);
        assertEquals(0, options.fillLimit);
        assertEquals("", options.application);
    }

    @Test
    void severalTiers() {
        Options options = options(Options.DISK, "/ssd/a=1GiB, /hdd/b=2TB");
        assertEquals("[/ssd/a=1073741824, /hdd/b=2000000000000]", options.disk.toString());
    }

    @ParameterizedTest
    @CsvSource({"200GiB,214748364800", "8MiB,8388608", "64KiB,65536", "1GB,1000000000", "17,17", "3 mib,3145728",
        "8M,8388608", "2k,2048", "1.5TiB,1649267441664", "0.5kb,500", "1.7,1", "12B,12", "2P,2251799813685248",
        "1152921504606846976,1152921504606846976"})
    void sizes(String text, long bytes) {
        assertEquals(bytes, Sizes.bytes("x", text));
    }

    @ParameterizedTest
    @CsvSource({"30s,30000", "500ms,500", "5m,300000", "0,0", "1h,3600000", "30,30000", "1.5,1500",
        "5min,300000", "1d,86400000", "0.57S,570", "2 m,120000", "0ms,0"})
    void durations(String text, long millis) {
        assertEquals(millis, Sizes.millis("x", text));
    }

    /** Each names the option, the value and the way out. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "fs.hybridfs.disk | 20XB | 200GiB",
        "fs.hybridfs.disk | /a=1GiB,2GiB | /ssd/cache=100GiB",
        "fs.hybridfs.disk | /a=1GiB, | /ssd/cache=100GiB",
        "fs.hybridfs.fetch.size | 0 | more than 0",
        "fs.hybridfs.readahead | 1e3 | 200GiB",
        "fs.hybridfs.min.free | .5GiB | 200GiB",
        "fs.hybridfs.memory | -1 | 200GiB",
        "fs.hybridfs.memory | 99999999999PiB | 200GiB",
        "fs.hybridfs.block.size | 1000000 | 1MiB",
        "fs.hybridfs.block.size | 32MiB | 1MiB",
        "fs.hybridfs.freshness | 30x | 30s",
        "fs.hybridfs.listings | always | validated",
        "fs.hybridfs.enabled | yes | true",
        "fs.hybridfs.authorize | never | [open, fill]",
        "fs.hybridfs.user | alice@CLOUD | (not alice@REALM)",
        "fs.hybridfs.user | hdfs/nn | (not alice@REALM)",
        "fs.hybridfs.cache.encrypted | on | true",
        "fs.hybridfs.audit | audit.log | /var/log/hybridfs/audit.log",
        "fs.hybridfs.audit | /var/log/ | /var/log/hybridfs/audit.log",
        "fs.hybridfs.fetch.streams | many | 8",
        "fs.hybridfs.fetch.streams | 0 | more than 0",
        "fs.hybridfs.fetch.streams | +8 | 8",
        "fs.hybridfs.fetch.streams | 2.5 | 8",
        "fs.hybridfs.cache.dir | relative/dir | /mnt/nvme/hybridfs",
        "fs.hybridfs.include | warehouse/** | begin with / or **",
        "fs.hybridfs.exclude | /a,,/b | remove the comma",
        "fs.hybridfs.max.file.size | big | 200GiB",
        "fs.hybridfs.max.age | a week | 30s",
        "fs.hybridfs.fill.limit | half | 200GiB",
        "fs.hybridfs.application | .. | nightly-load",
        "fs.hybridfs.blok.size | 1MiB | fs.hybridfs.block.size",
        "fs.hybridfs.fetchstreams | 1 | fs.hybridfs.fetch.streams",
    })
    void wrongOnesSayWhatIsRight(String key, String value, String hint) {
        String message = assertThrows(IllegalArgumentException.class, () -> options(key, value)).getMessage();
        assertTrue(message.contains(key) && message.contains(value) && message.contains(hint), message);
    }

    @Test
    void truthValuesInAnyCase() {
        assertFalse(options(Options.ENABLED, "False").enabled);
        assertTrue(options(Options.ENABLED, "TRUE").enabled);
    }

    @Test
    void whatExceedsTheJvmIsCutToWhatItCan() {
        Options options = options(Options.FETCH_SIZE, "4GiB", Options.FETCH_STREAMS, "5000", Options.DISK, "0");
        assertEquals(1 << 30, options.fetchSize);
        assertEquals(1024, options.fetchStreams);
        assertEquals(0, options.disk.get(0).budget);
    }

    @Test
    void keysOfHadoopItselfAreNone() {
        options("fs.hybridfs.impl", "x", "fs.hybridfs.impl.disable.cache", "true");
    }
}
