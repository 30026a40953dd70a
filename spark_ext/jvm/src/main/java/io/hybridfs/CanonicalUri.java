package io.hybridfs;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** The one name of an origin and of its files, whichever way a client spells them (FORMAT 2). */
final class CanonicalUri {
    private static final String RPC_ADDRESS = "dfs.namenode.rpc-address.";
    private static final int DEFAULT_PORT = 8020;
    private static final int LONGEST_DOMAIN = 100;

    private CanonicalUri() {
    }

    /** The nameservice's name if the configuration knows the NameNode, else {@code host:port} in lower case. */
    static String authority(Configuration conf, URI uri) {
        String host = uri.getHost() == null ? uri.getAuthority() : uri.getHost();
        String address = withPort(host + (uri.getPort() < 0 ? "" : ":" + uri.getPort()));
        for (Map.Entry<String, String> entry : conf) {
            if (entry.getKey().startsWith(RPC_ADDRESS)) {
                String service = entry.getKey().substring(RPC_ADDRESS.length()).split("\\.", 2)[0];
                if (uri.getPort() < 0 && service.equalsIgnoreCase(host)
                    || address.equals(withPort(conf.getTrimmed(entry.getKey(), "")))) {
                    return service;
                }
            }
        }
        return address;
    }

    /** The directory that a cluster's blocks share: {@code raw}, such as {@code hdfs-<authority>}, as a file name. */
    static String domain(String raw) {
        StringBuilder name = new StringBuilder();
        for (byte b : raw.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
                || c == '.' || c == '_' || c == '-';
            name.append(plain ? String.valueOf(c) : String.format("%%%02X", (int) c));
        }
        String domain = name.toString();
        return domain.length() <= LONGEST_DOMAIN ? domain
            : domain.substring(0, 60) + "-" + Digests.sha256Hex(domain.getBytes(StandardCharsets.UTF_8), 32);
    }

    /** {@code path} is absolute and decoded, as {@code Path.toUri().getPath()} gives it. */
    static String file(String authority, String path) {
        return "hdfs://" + authority + path(path);
    }

    /** Without repeated and trailing slashes. */
    static String path(String path) {
        String squeezed = path.replaceAll("/{2,}", "/");
        boolean trailing = squeezed.length() > 1 && squeezed.endsWith("/");
        return trailing ? squeezed.substring(0, squeezed.length() - 1) : squeezed;
    }

    /** The uri of the directory that a canonical uri is in; null of the root. */
    static String parent(String uri) {
        int authority = uri.indexOf("//") + 2;
        int root = uri.indexOf('/', authority);
        int slash = uri.lastIndexOf('/');
        if (slash == uri.length() - 1) {
            return null;
        }
        return uri.substring(0, slash == root ? slash + 1 : slash);
    }

    private static String withPort(String address) {
        String lower = address.toLowerCase(Locale.ROOT);
        return lower.indexOf(':') < 0 ? lower + ":" + DEFAULT_PORT : lower;
    }
}
