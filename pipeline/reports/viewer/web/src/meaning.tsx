// What a reason means: settings and nodes in it are set off.

export function Meaning({ text }: { text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 ? <code>{part}</code> : part))}</>;
}
