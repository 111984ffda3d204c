/** One plugin in five languages: every language answers with the same words. */
import type { Case } from './case.ts'
import { B_CONTENT } from '../harness/transcript.ts'

/** By the program that runs it. */
const SOURCES: Readonly<Record<string, string>> = {
  sh: `if [ "$SMTPMAILFROM" = c@d.example ]; then echo 'E550 not you'; exit; fi
echo "P250-$SMTPMAILFROM"
echo 'HX-Seen: yes'
echo 'SSEEN=yes'
`,
  perl: `if ($ENV{SMTPMAILFROM} eq 'c@d.example') { print "E550 not you\\n"; exit }
print "P250-$ENV{SMTPMAILFROM}\\nHX-Seen: yes\\nSSEEN=yes\\n";
`,
  python3: `import os
sender = os.environ['SMTPMAILFROM']
if sender == 'c@d.example':
    print('E550 not you')
else:
    print('P250-' + sender + '\\nHX-Seen: yes\\nSSEEN=yes')
`,
  php: `<?php
$sender = getenv('SMTPMAILFROM');
if ($sender === 'c@d.example') { echo "E550 not you\\n"; exit; }
echo "P250-$sender\\nHX-Seen: yes\\nSSEEN=yes\\n";
`,
  node: `const sender = process.env.SMTPMAILFROM
console.log(sender === 'c@d.example' ? 'E550 not you' : \`P250-\${sender}\\nHX-Seen: yes\\nSSEEN=yes\`)
`,
}

export const LANGUAGES: readonly string[] = Object.keys(SOURCES)

/** The case of a language whose program is at `path`. */
export function languageCase(language: string, path: string): Case {
  return {
    name: `language-${language}`, about: 'the same plugin in another language',
    list: `[mail]\nplugins/in-${language}\n[rcpt]\n:echo "P250-$SEEN"`,
    files: { [`plugins/in-${language}`]: `#!${path}\n${SOURCES[language]!}` },
    talk: [
      '< G', '> MAIL FROM:<c@d.example>', '< 550 not you', '> M', '< 250-a@b.example', '< 250 ok', '> U', '< 250-yes', '< 250 ok', '> B',
    ],
    delivered: [{ content: `X-Seen: yes\n${B_CONTENT}` }],
  }
}
