# spp/2 for Ruby: serve { main } calls the block for each request, with the request in ENV. Without SPP_PROTOCOL=2 it
# calls it once.

SPP_PLAIN = { '\\\\' => '\\', '\\r' => "\r", '\\n' => "\n" }.freeze

def serve
  return yield if ENV['SPP_PROTOCOL'] != '2'

  requests = $stdin.dup.binmode
  $stdin.reopen(File::NULL) # programs that are started here must not read requests
  puts 'spp/2'
  $stdout.flush
  while requests.gets
    env = {}
    while (line = requests.gets) != "\n"
      return if line.nil?

      name, value = line.chomp.gsub(/\\[\\rn]/, SPP_PLAIN).split('=', 2)
      env[name] = value
    end
    ENV.replace(env)
    yield
    puts '.'
    $stdout.flush
  end
end
