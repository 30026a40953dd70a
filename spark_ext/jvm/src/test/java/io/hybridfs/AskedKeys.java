package io.hybridfs;

import java.io.IOException;
import java.net.URI;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.key.JavaKeyStoreProvider;
import org.apache.hadoop.crypto.key.KeyProvider;
import org.apache.hadoop.crypto.key.KeyProviderFactory;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.security.UserGroupInformation;

/** A key store in a file that, as a KMS does, refuses users: {@code asked://file/path}. */
public final class AskedKeys extends KeyProvider {
    static final Set<String> REFUSED = ConcurrentHashMap.newKeySet();
    /** Who got a key. */
    static final List<String> GAVE = new CopyOnWriteArrayList<>();
    /** What it does besides, whenever it is asked for a key. */
    static volatile Asked asked = () -> { };

    interface Asked {
        void run() throws IOException;
    }

    private final KeyProvider keys;

    /** Found by its entry in META-INF/services. */
    public static final class Factory extends KeyProviderFactory {
        @Override
        public KeyProvider createProvider(URI name, Configuration conf) throws IOException {
            return "asked".equals(name.getScheme()) ? new AskedKeys(name, conf) : null;
        }
    }

    private AskedKeys(URI name, Configuration conf) throws IOException {
        super(conf);
        URI file = URI.create(name.toString().replaceFirst("^asked:", JavaKeyStoreProvider.SCHEME_NAME + ":"));
        keys = new JavaKeyStoreProvider.Factory().createProvider(file, conf);
    }

    @Override
    public KeyVersion getKeyVersion(String version) throws IOException {
        String user = UserGroupInformation.getCurrentUser().getShortUserName();
        if (REFUSED.contains(user)) {
            throw new AccessControlException("User:" + user + " not allowed to do 'DECRYPT_EEK' on 'key'");
        }
        asked.run();
        GAVE.add(user);
        return keys.getKeyVersion(version);
    }

    @Override
    public List<String> getKeys() throws IOException {
        return keys.getKeys();
    }

    @Override
    public List<KeyVersion> getKeyVersions(String name) throws IOException {
        return keys.getKeyVersions(name);
    }

    @Override
    public Metadata getMetadata(String name) throws IOException {
        return keys.getMetadata(name);
    }

    @Override
    public KeyVersion createKey(String name, byte[] material, Options options) throws IOException {
        return keys.createKey(name, material, options);
    }

    @Override
    public KeyVersion createKey(String name, Options options) throws NoSuchAlgorithmException, IOException {
        return keys.createKey(name, options);
    }

    @Override
    public void deleteKey(String name) throws IOException {
        keys.deleteKey(name);
    }

    @Override
    public KeyVersion rollNewVersion(String name, byte[] material) throws IOException {
        return keys.rollNewVersion(name, material);
    }

    @Override
    public void flush() throws IOException {
        keys.flush();
    }
}
