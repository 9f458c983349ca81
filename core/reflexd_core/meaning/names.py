"""Names of closed kinds: what a question is about. Two questions that each name one of a kind, and not the same, ask
for two answers; one that names none may well mean the other's (``How do I center a div?`` is about CSS).

Only names that are hardly ever plain words stand here. ``Go``, ``C`` and ``R`` are names by their capitals, and after
``in``; `tokens` sees to that.
"""

_KINDS = {
    "language": """python | javascript | typescript | java | kotlin | scala | cpp | csharp | fsharp | golang |
        rust | ruby | php | perl | swift | julia | dart | elixir | erlang | haskell | clojure | lua | matlab |
        fortran | cobol | groovy | ocaml | objective-c | solidity | c-language ansi_c c99 c11 | r-language rlang
        rstats | sql | vba | bash | powershell pwsh | visual_basic vb.net vb | awk | zig""",
    "shell": """bash | zsh | fish-shell fish_shell | powershell pwsh | cmd.exe command_prompt | tcsh | ksh""",
    "os": """linux | windows win10 win11 | macos mac macbook imac | android | ios iphone ipad | ubuntu | debian |
        fedora | centos | rhel red_hat | alpine_linux | arch_linux | freebsd | windows_server""",
    "database": """postgresql | mysql | mariadb | sqlite sqlite3 | oracle | mssql | mongodb | redis | cassandra |
        dynamodb | snowflake | bigquery | elasticsearch | duckdb | clickhouse | neo4j | cockroachdb | couchdb |
        influxdb | firestore | redshift | db2 | opensearch | spark_sql""",
    "cloud": """aws amazon | azure | gcp | digitalocean | heroku | vercel | netlify | cloudflare | hetzner |
        linode""",
    "aws service": """s3 | ec2 | rds | dynamodb | sqs | sns | ecs | eks | cloudfront | cloudwatch | iam | route53
        route_53 | lambda | kinesis | fargate | cognito""",
    "browser": "chrome google_chrome | firefox | safari | microsoft_edge | opera | brave",
    "front end": """react.js | vue.js | angular | svelte sveltekit | preact | jquery | ember | next.js | nuxt.js |
        remix | astro | solid.js solidjs | flutter | swiftui | react_native | alpine.js | htmx | wordpress""",
    "back end": """django | flask | fastapi | express.js express | nestjs nest.js | koa | rails ruby_on_rails |
        laravel | symfony | spring spring_boot springboot | asp.net asp.net_core aspnet | sinatra | axum | actix |
        phoenix | quarkus | wordpress""",
    "data frames": """pandas | polars | numpy | pyspark spark | dask | dplyr tidyverse | data.table | excel |
        duckdb | sql""",
    "learning": """pytorch torch | tensorflow | keras | jax | scikit-learn | xgboost | lightgbm | catboost""",
    "plotting": """matplotlib pyplot | seaborn | plotly | ggplot2 ggplot | d3.js d3 | bokeh | altair | chart.js |
        excel""",
    "http client": "httpx | aiohttp | axios | curl | wget | urllib | postman | okhttp",
    "testing": """pytest | unittest | jest | vitest | mocha | cypress | playwright | selenium | junit | testng |
        rspec | xunit | nunit | mstest | jasmine | karma | minitest | phpunit | googletest gtest""",
    "build tool": """maven mvn | gradle | cmake | makefile makefiles | meson | bazel | cargo | npm | yarn | pnpm |
        pip | poetry | conda anaconda miniconda | webpack | vite | rollup | esbuild | parcel | homebrew brew | apt
        apt-get | dnf | yum | pacman | composer | nuget | sbt | ant | ninja | bundler | bun | uv | pipenv | apk |
        flatpak | winget | chocolatey choco""",
    "editor": """vscode | vim | neovim nvim | emacs | intellij | pycharm | sublime | eclipse | xcode |
        visual_studio | android_studio | notepad++""",
    "forge": "github | gitlab | bitbucket | azure_devops | gitea | jenkins | circleci",
    "version control": "git | svn subversion | mercurial hg | perforce",
    "infrastructure": """docker | podman | kubernetes kubectl | terraform | pulumi | ansible | puppet | chef |
        vagrant | helm | cloudformation | nomad""",
    "web server": "nginx | apache httpd | caddy | traefik | haproxy | iis | tomcat | jetty",
    "queue": "kafka | rabbitmq | sqs | celery | activemq | nats | redis",
    "orm": """sqlalchemy | hibernate | prisma | sequelize | typeorm | mongoose | drizzle | eloquent |
        entity_framework ef_core | activerecord active_record | dapper | peewee""",
    "office": """excel | google_sheets gsheets sheets | libreoffice openoffice | powerpoint | google_docs | notion
        | airtable""",
    "format": """json | yaml yml | xml | csv | toml | parquet | markdown | pdf | xlsx xls | protobuf | avro | html
        | docx | tsv | latex""",
    "encoding": "utf-8 | utf-16 utf16 | ascii | latin-1 latin1 | base64",
    "digest": "md5 | sha1 sha-1 | sha256 sha-256 | sha512 sha-512 | bcrypt | argon2 | crc32",
    "protocol": "ftp | sftp | smtp | imap | mqtt | websocket websockets | grpc | graphql | soap",
    "sign-on": "oauth | jwt | saml | ldap | kerberos",
    "hook": """useeffect | usestate | usememo | usecallback | useref | usecontext | usereducer |
        uselayouteffect""",
    "error number": """eacces | enoent | enospc | eresolve | eaddrinuse | econnrefused | econnreset | etimedout |
        eperm | epipe | emfile | enotfound | eexist | einval""",
    "image format": "png | jpg jpeg | svg | webp | gif | bmp | tiff | heic | avif",
    "media format": "mp3 | mp4 | wav | flac | mkv | webm | avi | ogg | mov",
    "app": """whatsapp | instagram | facebook | twitter | tiktok | snapchat | linkedin | youtube | reddit |
        telegram | slack | discord | gmail | outlook | zoom | spotify | netflix | pinterest""",
    "month": """january jan | february feb | april apr | june jun | july jul | august aug | september sept |
        october oct | november nov | december""",
    "weekday": "monday | tuesday | wednesday | thursday | friday | saturday | sunday",
    "country": """usa united_states | uk united_kingdom britain england british | germany german | france french |
        italy italian | spain spanish | portugal portuguese | japan japanese | china chinese | india indian |
        brazil brazilian | canada canadian | mexico mexican | australia australian | russia russian | korea
        south_korea korean | poland | netherlands dutch | sweden swedish | norway norwegian | denmark danish |
        finland finnish | switzerland swiss | austria austrian | ireland irish | greece greek | turkish | egypt
        egyptian | kenya kenyan | nigeria nigerian | south_africa | argentina | chile | colombia | peru | vietnam
        vietnamese | thailand thai | indonesia indonesian | philippines | malaysia | singapore | pakistan |
        bangladesh | israel | iran | iraq | ukraine ukrainian | romania romanian | hungary hungarian | czechia
        czech | bulgaria bulgarian | croatia | serbia | iceland | scotland scottish | new_zealand | saudi_arabia |
        morocco | cuba | belgium belgian | lithuania | latvia | estonia""",
    "currency": """dollar dollars usd | euro euros eur | gbp | yen jpy | rupee rupees inr | bitcoin btc | chf""",
}
_WITHIN = {
    "linux": "ubuntu debian fedora centos rhel alpine_linux arch_linux android freebsd",
    "windows": "windows_server",
    "debian": "ubuntu",
    "react.js": "next.js react_native remix astro",
    "vue.js": "nuxt.js",
    "numpy": "pandas",
    "tensorflow": "keras",
    "sql": "spark_sql",
}


def spelled(kinds: dict[str, str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Every spelling to its kinds, each with the name it goes by there; ``_`` stands for a space."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for kind, rows in kinds.items():
        for first, *aliases in (row.split() for row in rows.split("|")):
            for name in (first, *aliases):
                text = name.replace("_", " ")
                found[text] = (*found.get(text, ()), (kind, first))
    return found


NAMES = spelled(_KINDS)
"""A name, in any of its spellings, to its kinds, each with the name it goes by there."""

WITHIN = frozenset((name, whole) for whole, names in _WITHIN.items() for name in names.split())
"""Names that another one includes: a question about Ubuntu may well be answered for Linux."""
