package io.hybridfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.hadoop.ipc.RemoteException;
import org.apache.hadoop.security.AccessControlException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KerberosHintsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "org.apache.hadoop.security.AccessControlException: Client cannot authenticate via:[TOKEN, KERBEROS] "
            + "| run kinit",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Failed to find "
            + "any Kerberos tgt)] | run kinit",
        "SIMPLE authentication is not enabled.  Available:[TOKEN, KERBEROS] | must be kerberos",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Ticket expired "
            + "(32) - PROCESS_TGS)] | has expired: renew it",
        "token (token for alice: HDFS_DELEGATION_TOKEN owner=alice) is expired, current time: 2026-01-02 "
            + "| HADOOP_TOKEN_FILE_LOCATION",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Connection "
            + "refused)] | that of the NameNode's realm ONPREM or",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Clock skew too "
            + "great (37) - PROCESS_TGS)] | NTP",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Server not found "
            + "in Kerberos database (7) - LOOKING_UP_SERVER)] | realm ONPREM it does not know or trust",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Fail to create "
            + "credential. (63) - No service creds)] | realm ONPREM it does not know or trust",
        "GSSException: No valid credentials provided (Mechanism level: Cannot find KDC for realm \"CLOUD\") "
            + "| no KDC is known for the realm CLOUD:",
        "GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Cannot locate "
            + "KDC)] | no KDC is known for the realm ONPREM:"})
    void aTextHasAHint(String text, String hint) {
        for (IOException e : new IOException[] {new IOException(text), new IOException("DestHost:destPort nn:8020",
            new IOException(text)), new AccessControlException(text)}) {
            IOException explained = Failures.explained(e, "ONPREM");
            assertEquals(e.getClass(), explained.getClass());
            assertTrue(explained.getMessage().startsWith(e.getMessage()), explained.getMessage());
            assertTrue(explained.getMessage().contains(hint), explained.getMessage());
        }
    }

    /** A file may have any name. */
    @Test
    void whatTheNameNodeAnswersIsNoHint() {
        String denied = "Permission denied: user=bob, access=READ, inode=\"/Ticket expired (32)\"";
        IOException answer = new RemoteException(AccessControlException.class.getName(), denied)
            .unwrapRemoteException(AccessControlException.class);
        assertEquals(AccessControlException.class, answer.getClass());
        assertSame(answer, Failures.explained(answer, "ONPREM"));
        assertNull(KerberosHints.of(new IOException("Filesystem closed"), "ONPREM"));
        assertNull(KerberosHints.of(new FileNotFoundException("File does not exist: /Ticket expired"), "ONPREM"));
        IOException sasl = new RemoteException("javax.security.sasl.SaslException",
            "GSS initiate failed [Caused by GSSException: Clock skew too great (37)]");
        assertTrue(KerberosHints.of(sasl, "").contains("NTP"));
    }
}
