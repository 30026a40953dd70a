package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Xxh64Test {
    /** From the reference implementation. */
    @ParameterizedTest
    @CsvSource({
        "'', ef46db3751d8e999",
        "a, d24ec4f1a98c6e5b",
        "as, 1c330fb2d66be179",
        "asd, 631c37ce72a97393",
        "asdf, 415872f599cea71e",
        "Call me Ishmael. Some years ago--never mind how long precisely-, 02a2e85470d6fd96"
    })
    void textsHashAsTheReferenceDoes(String text, String expected) {
        byte[] data = text.getBytes(StandardCharsets.US_ASCII);
        assertEquals(expected, String.format("%016x", Xxh64.hash(data, 0, data.length)));
    }

    /** Byte i is (31 i + 7) mod 256: every tail length, and the 64 KiB that a chunk has. */
    @ParameterizedTest
    @CsvSource({
        "1, a96c7f0ce858bbb7",
        "2, ac378c5993cd5f9a",
        "3, 56e6957632a487f9",
        "4, c60d15b1e3ff8f04",
        "5, 808815858624dd4e",
        "6, cf22b4e87e9bbd00",
        "7, afbefc3d6c6f9a8e",
        "8, 3da5c7aa269683e0",
        "9, 4b17a9ba9e215c09",
        "10, 6b889090b8a922b8",
        "11, 1fc070e44716bd8e",
        "12, 8fe8ab1c1fd0666e",
        "13, 0382284cc19c4abb",
        "14, 1523f762201ba56e",
        "15, ae2a37eb9357caa7",
        "16, a19ad429b02bc413",
        "17, fe9f0feb7eeedc09",
        "18, a44dbc53c815d4fe",
        "19, 3693e04c0dfc7dd2",
        "20, 0bfbadb368e7f37c",
        "21, fe78683697d5c575",
        "22, b07142420c77fe7f",
        "23, e77b1fcea84118c3",
        "24, 929438e5c2159ef9",
        "25, 7e6c95919380459f",
        "26, af2efe1aa0cf37dc",
        "27, 8edaa24c28d12ec6",
        "28, a36b5c4091187d2a",
        "29, eb1fee1bf0954759",
        "30, 6a54ebe6fe40b928",
        "31, 4a74f3a1a39ad4a1",
        "32, 8d57d6a4671cc43d",
        "33, 62c9fd21ed857664",
        "34, 42cce8a8f5fc5f1f",
        "35, 85cbcf9e0d9cbeca",
        "36, a4475c606b0abc3c",
        "37, 5d71d9fc4b676d9f",
        "38, 88a74ab8eaeb0218",
        "39, 1789542489e59cc4",
        "40, 49b45332e280f187",
        "63, 5c320a0d2707057f",
        "64, 7bbabbc45729d17e",
        "65, f3980c34bae65dc1",
        "96, 1a4b207385051b55",
        "127, 4822f4e67f60ea91",
        "65535, 9e49cd923b09979d",
        "65536, ce06607392c5113f"
    })
    void everyLengthHashesAsTheReferenceDoes(int length, String expected) {
        byte[] shifted = new byte[length + 3];
        System.arraycopy(GoldenMaker.bytes(0, length), 0, shifted, 3, length);
        assertEquals(expected, String.format("%016x", Xxh64.hash(shifted, 3, length)));
    }
}
