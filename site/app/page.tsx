import { Shell } from "@/parts/shell";
import { Try } from "./try";

const PROMISES = [
  ["/playground/", "Speaks what you speak", "OpenAI’s and Anthropic’s APIs, word for word. Change the base URL and keep your SDK, your tools, your streams."],
  ["/dashboard/", "Cannot be overspent", "The most a call can cost is held before anybody is asked, on the key, the user, the team. What it did not cost comes back."],
  ["/blog/how-the-failure-wall-works/", "Honest on bad days", "Another route answers when the first one cannot, and says so. A cut answer is never passed off as a whole one."],
  ["/agents/", "Agents that survive", "Every step is written down before the next begins. They wait for your word, go on after a crash, and stop at their budget."],
  ["/sayings/", "Knows who wrote what", "Four models write sayings about AWS. People vote; the league table says who is funny and who is merely fast."],
  ["/blog/what-a-hold-is/", "Idle for nothing", "No server, no cluster, no gateway that ticks while you sleep. One template in your own account, and your data stays there."],
] as const;

export default function Home() {
  return (
    <Shell here="home">
      <section className="hero" aria-labelledby="promise">
        <div className="stack">
          <h1 id="promise">An LLM platform that lives in your own AWS account</h1>
          <p className="promise">The API your SDK already speaks. Every call priced and written down. Budgets that hold. And next to nothing to pay while nobody asks.</p>
          <p className="row">
            <a className="button" href="/playground/">Open the playground</a>
            <a className="button quiet" href="/dashboard/">See what it costs</a>
          </p>
        </div>
        <Try />
      </section>

      <section className="section" aria-labelledby="what">
        <h2 id="what">What a small team gets</h2>
        <ul className="cards">
          {PROMISES.map(([where, name, words]) => (
            <li key={name}>
              <a className="card" href={where}>
                <h3>{name}</h3>
                <p className="soft">{words}</p>
              </a>
            </li>
          ))}
        </ul>
      </section>

      <section className="section" aria-labelledby="how">
        <h2 id="how">Two commands to look at it, two to keep it</h2>
        <div className="two">
          <pre tabIndex={0} aria-label="On your machine"><code>{`# on your machine, without an AWS account
make run      # prints a key and a curl
make seed     # a month of sample usage

# in your account
make deploy STAGE=dev
make deploy-site STAGE=dev`}</code></pre>
          <pre tabIndex={0} aria-label="In Python"><code>{`from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:3000/v1",
                api_key="sk-proj-...")
answer = client.chat.completions.create(
    model="claude-haiku-4-5",
    messages=[{"role": "user", "content": "Hello!"}])
print(answer.usage.cost)   # USD, as it was booked`}</code></pre>
        </div>
      </section>
    </Shell>
  );
}
