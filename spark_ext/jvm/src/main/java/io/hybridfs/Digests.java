package io.hybridfs;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256, for names. */
final class Digests {
    private Digests() {
    }

    /** The first {@code digits} hex digits, in lower case. */
    static String sha256Hex(byte[] data, int digits) {
        return hex(sha256().digest(data)).substring(0, digits);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static String hex(byte[] digest) {
        StringBuilder text = new StringBuilder(2 * digest.length);
        for (byte b : digest) {
            text.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return text.toString();
    }
}
