package io.hybridfs;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.AccessControlException;

/** What fails a question to the NameNode, and what is said of it besides: always in an exception of the same class. */
final class Failures {
    static final String UNREACHABLE = "hybridfs: cached data is served without the NameNode only within freshness ("
        + Options.FRESHNESS + ") of a grant to this user, process, path and version.";

    /** Hadoop's package. */
    private static final String KEYS = "org.apache.hadoop.crypto.key.";

    private Failures() {
    }

    /** Whether the NameNode gave no answer, after Hadoop's own retries: an answer, whichever, is one. */
    static boolean unanswered(IOException failure) {
        boolean network = false;
        for (Throwable e = failure; e != null; e = e.getCause()) {
            if (e instanceof RemoteException || e instanceof AccessControlException || isOfKeys(e)) {
                return false;
            }
            network |= e instanceof SocketException || e instanceof SocketTimeoutException
                || e instanceof UnknownHostException || e instanceof EOFException || isReset(e);
        }
        return network && KerberosHints.of(failure, "") == null;
    }

    /** Whether it was a KMS, or another provider of keys, that the opening asked last. */
    private static boolean isOfKeys(Throwable e) {
        for (StackTraceElement frame : e.getStackTrace()) {
            String in = frame.getClassName();
            if (in.startsWith(KEYS)) {
                return true;
            }
            if (in.startsWith(HybridFileSystem.class.getName())) { // which such a provider may have called
                return false;
            }
        }
        return false;
    }

    /** As Java's channels tell of it. */
    private static boolean isReset(Throwable e) {
        String text = String.valueOf(e.getMessage());
        return e.getClass() == IOException.class
            && (text.equals("Connection reset by peer") || text.equals("Broken pipe"));
    }

    /** With what helps, if anything is known; {@code realm}: of the NameNode, may be empty. */
    static IOException explained(IOException failure, String realm) {
        String hint = KerberosHints.of(failure, realm);
        return hint == null ? failure : saying(failure, hint);
    }

    /** An exception of the same class whose text says {@code more}; the same one, if another cannot be made. */
    static IOException saying(IOException failure, String more) {
        String text = String.valueOf(failure.getMessage());
        if (text.contains(more)) {
            return failure;
        }
        try {
            IOException made = failure.getClass().getConstructor(String.class).newInstance(text + " " + more);
            made.initCause(failure);
            made.setStackTrace(failure.getStackTrace());
            return made;
        } catch (ReflectiveOperationException | RuntimeException | LinkageError noSuchConstructor) {
            failure.addSuppressed(new IOException(more));
            return failure;
        }
    }
}
