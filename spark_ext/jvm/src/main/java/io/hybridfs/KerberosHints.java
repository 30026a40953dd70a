package io.hybridfs;

import java.io.FileNotFoundException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.ipc.RemoteException;

/** What the texts of Java's Kerberos and of Hadoop's SASL mean, and what helps. */
final class KerberosHints {
    private static final Pattern SKEW = Pattern.compile("Clock skew too great");
    private static final Pattern NO_KDC = Pattern.compile(
        "Cannot (?:locate|find|get) KDC(?: for realm ([^\\s),;]+))?|Cannot locate default realm",
        Pattern.CASE_INSENSITIVE);
    private static final Pattern KDC_SILENT = Pattern.compile("Mechanism level: (?:Connection refused|Connect(?:ion)? "
        + "timed out|Receive timed out|Read timed out|No route to host|Network is unreachable)",
        Pattern.CASE_INSENSITIVE);
    private static final Pattern NO_TRUST = Pattern.compile(
        "Server not found in Kerberos database|No service creds|Fail to create credential"
            + "|KDC policy rejects|Illegal cross-realm", Pattern.CASE_INSENSITIVE);
    private static final Pattern TOKEN = Pattern.compile(
        "Token has expired|is expired, current time|can't be found in cache", Pattern.CASE_INSENSITIVE);
    private static final Pattern EXPIRED = Pattern.compile("Ticket expired|Ticket not yet valid");
    private static final Pattern NO_TICKET = Pattern.compile(
        "Client cannot authenticate via|Failed to find any Kerberos (?:tgt|credentails|credentials)"
            + "|Unable to obtain (?:password from user|Principal Name)"
            + "|SIMPLE authentication is not enabled", Pattern.CASE_INSENSITIVE);

    private KerberosHints() {
    }

    /** One sentence, or null when it is nothing of Kerberos. {@code realm}: of the NameNode, may be empty. */
    static String of(Throwable failure, String realm) {
        String said = texts(failure);
        if (SKEW.matcher(said).find()) {
            return "hybridfs: the clock of this host differs too much from the KDC's or the NameNode's (Kerberos "
                + "allows 5 minutes): synchronise the clocks (NTP).";
        }
        Matcher kdc = NO_KDC.matcher(said);
        if (kdc.find()) {
            String named = kdc.group(1) == null ? realm : unquoted(kdc.group(1));
            return "hybridfs: no KDC is known for the realm" + name(named)
                + ": add it to [realms] of krb5.conf, and the NameNode's host to [domain_realm].";
        }
        if (KDC_SILENT.matcher(said).find()) {
            return "hybridfs: a KDC cannot be reached, that of the NameNode's realm" + name(realm)
                + " or that of the user's: see [realms] of krb5.conf, and the network.";
        }
        if (NO_TRUST.matcher(said).find()) {
            return "hybridfs: the KDC gave no ticket for the NameNode, whose realm" + name(realm)
                + " it does not know or trust: let its KDC and that of the user's realm share "
                + "krbtgt/<NameNode's realm>@<user's realm>, and see [capaths] and [domain_realm] of krb5.conf and "
                + "dfs.namenode.kerberos.principal.";
        }
        if (TOKEN.matcher(said).find()) {
            return "hybridfs: the delegation token has expired: give Spark a principal and a keytab, so that it gets "
                + "others in time (on Spark standalone, where keytabs have no effect, put a new token file where "
                + "HADOOP_TOKEN_FILE_LOCATION says), or start the application again.";
        }
        if (EXPIRED.matcher(said).find()) {
            return "hybridfs: the Kerberos ticket has expired: renew it (kinit -R), or get another (kinit).";
        }
        return NO_TICKET.matcher(said).find()
            ? "hybridfs: there is no Kerberos ticket, or it has expired: run kinit, see that KRB5CCNAME names its "
                + "ticket cache, or give Spark a principal and a keytab (executors of Spark standalone, where keytabs "
                + "have no effect: a token file, named by HADOOP_TOKEN_FILE_LOCATION); "
                + "hadoop.security.authentication must be kerberos."
            : null;
    }

    private static String name(String realm) {
        return realm.isEmpty() ? "" : " " + realm;
    }

    private static String unquoted(String realm) {
        return realm.replaceAll("^[\"']|[\"'.]+$", "");
    }

    /** Of the cause chain, but not of what is said of a file to who has authenticated: that may name any path. */
    private static String texts(Throwable failure) {
        StringBuilder all = new StringBuilder();
        for (Throwable e = failure; e != null; e = e.getCause()) {
            boolean answered = e instanceof FileNotFoundException || e instanceof RemoteException
                && !((RemoteException) e).getClassName().matches(".*(Sasl|InvalidToken).*");
            if (answered) {
                return "";
            }
            all.append(e.getMessage()).append('\n');
        }
        return all.toString();
    }
}
