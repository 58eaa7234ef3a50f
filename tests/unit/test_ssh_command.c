/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/ssh_command.h"

#include <string.h>

#define TEN "aaaaaaaaaa"
#define FIFTY TEN TEN TEN TEN TEN
#define SIXTY_THREE FIFTY TEN "aaa"
#define LONGEST_NAME SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE "." FIFTY TEN "a"

static void test_what_the_api_writes_is_taken_apart(void)
{
    static const struct {
        const char *text, *host, *user;
        guint16 port;
    } cases[] = {
        { "ssh -p 51039 root@proxy.cn-south-1.example", "proxy.cn-south-1.example", "root", 51039 },
        { "ssh root@proxy.example", "proxy.example", "root", 0 },
        { "ssh -p 22 proxy.example", "proxy.example", "", 22 },
        { "ssh proxy", "proxy", "", 0 },
        { "ssh\t-p\t1\ta@b", "b", "a", 1 },
        { "ssh -p 65535 a@b", "b", "a", 65535 },
        { "ssh root@203.0.113.7", "203.0.113.7", "root", 0 },
        { "ssh -p 22 root@2001:db8::7", "2001:db8::7", "root", 22 },
        { "ssh ::1", "::1", "", 0 },
        { "ssh ::ffff:203.0.113.7", "::ffff:203.0.113.7", "", 0 },
        { "ssh my_host.a--b.example", "my_host.a--b.example", "", 0 },
        { "ssh 1und1.example", "1und1.example", "", 0 },
        { "ssh A-1.EXAMPLE", "A-1.EXAMPLE", "", 0 },
        { "ssh 7f.x0", "7f.x0", "", 0 },
        { "ssh _u.s-e.r9@h", "h", "_u.s-e.r9", 0 },
        { "ssh 0@h", "h", "0", 0 },
        { "ssh ssh@ssh", "ssh", "ssh", 0 },
        { "ssh " LONGEST_NAME, LONGEST_NAME, "", 0 },
        { "ssh " FIFTY TEN "aaaa@h", "h", FIFTY TEN "aaaa", 0 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SshCommand command;

        g_test_message("%s", cases[i].text);
        g_assert_true(ssh_command_parse(cases[i].text, &command));
        g_assert_cmpstr(command.host, ==, cases[i].host);
        g_assert_cmpstr(command.user, ==, cases[i].user);
        g_assert_cmpuint(command.port, ==, cases[i].port);
    }
}

static void assert_refused(const char *const *texts)
{
    SshCommand untouched, command;

    memset(&untouched, 'x', sizeof untouched);
    for (; *texts != NULL; texts++) {
        g_autofree char *text = g_strescape(*texts, NULL);

        command = untouched;
        g_test_message("%s", text);
        g_assert_false(ssh_command_parse(*texts, &command));
        g_assert_cmpmem(&command, sizeof command, &untouched, sizeof untouched);
    }
}

static void test_another_form_is_refused(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "ssh",
        "ssh ",
        "ssh -p",
        "ssh -p 22",
        "ssh -p 22 ",
        "ssh  root@h",
        "ssh -p  22 root@h",
        "ssh -p 22  root@h",
        " ssh root@h",
        "ssh root@h ",
        "ssh root@h\t",
        "SSH root@h",
        "sshx root@h",
        "/usr/bin/ssh root@h",
        "ssh root@h -p 22",
        "ssh -p22 root@h",
        "ssh -P 22 root@h",
        "ssh --p 22 root@h",
        "ssh -p 22 root@h uptime",
        "ssh root@h uptime",
        "ssh root h",
        "ssh -p 22 -p 23 h",
        "ssh ssh://root@h:22",
        "root@h",
        "scp root@h",
        "ssh -p 22 ssh root@h",
        NULL,
    };

    assert_refused(texts);
}

static void test_an_option_is_refused_wherever_it_stands(void)
{
    static const char *const texts[] = {
        "ssh -oProxyCommand=id root@h",
        "ssh -o ProxyCommand=id root@h",
        "ssh -p 22 -oProxyCommand=id",
        "ssh -p -oProxyCommand=id root@h",
        "ssh -F /tmp/evil root@h",
        "ssh -v root@h",
        "ssh -4 root@h",
        "ssh -- root@h",
        "ssh -h",
        "ssh -p 22 -h",
        "ssh root@-h",
        "ssh -root@h",
        "ssh -i key root@h",
        "ssh -J jump root@h",
        "ssh root@-oProxyCommand=id",
        NULL,
    };

    assert_refused(texts);
}

static void test_what_could_end_a_word_or_a_line_is_refused(void)
{
    static const char *const texts[] = {
        "ssh root@h\n",
        "\nssh root@h",
        "ssh root@h\nProxyCommand id",
        "ssh root@h\n    ProxyCommand id",
        "ssh\nroot@h",
        "ssh -p 22\nroot@h",
        "ssh root@h\rProxyCommand id",
        "ssh ro\not@h",
        "ssh root@h\v",
        "ssh root@h\f",
        "ssh root@h\x1b[2J",
        "ssh root@h\x7f",
        "ssh root@h\xc2\x85",
        "ssh root@h\xc2\xa0x",
        "ssh root@h\xe2\x80\xa8x",
        "ssh root@h\xe2\x80\xae",
        "ssh root@h\xff",
        NULL,
    };

    assert_refused(texts);
}

static void test_what_ssh_or_a_shell_reads_otherwise_is_refused(void)
{
    static const char *const texts[] = {
        "ssh \"root@h\"", "ssh 'root'@h",   "ssh root@\"h\"",   "ssh root@h\\",
        "ssh root\\@h",   "ssh root@%h",    "ssh root@h%eth0",  "ssh root@fe80::1%eth0",
        "ssh %r@h",       "ssh root@h#c",   "ssh #root@h",      "ssh root@h=x",
        "ssh root=x@h",   "ssh root@$HOST", "ssh root@${HOST}", "ssh root@`id`",
        "ssh root@h;id",  "ssh root@h|id",  "ssh root@h&",      "ssh root@*",
        "ssh root@h?",    "ssh root@!h",    "ssh root@h,i",     "ssh root@~h",
        "ssh root@h/24",  "ssh root@h>x",   "ssh root@(h)",     NULL,
    };

    assert_refused(texts);
}

static void test_a_port_is_a_plain_number_from_1_to_65535(void)
{
    static const char *const texts[] = {
        "ssh -p 0 h",     "ssh -p 65536 h",  "ssh -p 70000 h",
        "ssh -p 99999 h", "ssh -p 100000 h", "ssh -p 18446744073709551638 h",
        "ssh -p 022 h",   "ssh -p +22 h",    "ssh -p -22 h",
        "ssh -p 2.2 h",   "ssh -p 0x16 h",   "ssh -p 22a h",
        "ssh -p ssh h",   "ssh -p ٢٢ h",     NULL,
    };

    assert_refused(texts);
}

static void test_a_user_is_a_plain_word(void)
{
    static const char *const texts[] = {
        "ssh @h",    "ssh .root@h", "ssh -root@h", "ssh ro:ot@h",
        "ssh a@b@h", "ssh ro+ot@h", "ssh rööt@h",  "ssh " FIFTY TEN "aaaaa@h",
        NULL,
    };

    assert_refused(texts);
}

static void test_a_host_is_a_name_or_an_address(void)
{
    static const char *const texts[] = {
        "ssh root@",
        "ssh .",
        "ssh ..",
        "ssh h.",
        "ssh .h",
        "ssh a..b",
        "ssh a.-b",
        "ssh a-.b",
        "ssh a-",
        "ssh h:22",
        "ssh [h]",
        "ssh [::1]",
        "ssh [::1]:22",
        "ssh ::1::",
        "ssh 1:2:3:4:5:6:7:8:9",
        "ssh :",
        "ssh 12345::",
        "ssh 主机.example",
        "ssh " SIXTY_THREE "a",
        "ssh a." SIXTY_THREE "a.example",
        "ssh " LONGEST_NAME "a",
        "ssh a." LONGEST_NAME,
        NULL,
    };

    assert_refused(texts);
}

static void test_what_a_resolver_takes_for_an_address_is_no_name(void)
{
    static const char *const texts[] = {
        "ssh 127.1",        "ssh 1",
        "ssh 2130706433",   "ssh 0x7f000001",
        "ssh 0X7F.1",       "ssh 0x7f.0.0.0x1",
        "ssh 017700000001", "ssh 256.0.0.1",
        "ssh 1.2.3.4.5",    "ssh 1.2.3",
        "ssh 01.2.3.4",     "ssh a.1",
        "ssh 0x",           NULL,
    };

    assert_refused(texts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ssh_command/what the api writes is taken apart",
                    test_what_the_api_writes_is_taken_apart);
    g_test_add_func("/ssh_command/another form is refused", test_another_form_is_refused);
    g_test_add_func("/ssh_command/an option is refused wherever it stands",
                    test_an_option_is_refused_wherever_it_stands);
    g_test_add_func("/ssh_command/what could end a word or a line is refused",
                    test_what_could_end_a_word_or_a_line_is_refused);
    g_test_add_func("/ssh_command/what ssh or a shell reads otherwise is refused",
                    test_what_ssh_or_a_shell_reads_otherwise_is_refused);
    g_test_add_func("/ssh_command/a port is a plain number from 1 to 65535",
                    test_a_port_is_a_plain_number_from_1_to_65535);
    g_test_add_func("/ssh_command/a user is a plain word", test_a_user_is_a_plain_word);
    g_test_add_func("/ssh_command/a host is a name or an address",
                    test_a_host_is_a_name_or_an_address);
    g_test_add_func("/ssh_command/what a resolver takes for an address is no name",
                    test_what_a_resolver_takes_for_an_address_is_no_name);
    return g_test_run();
}
