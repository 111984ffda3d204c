#!/usr/bin/env ruby
# Limits the recipients of one message to MAXRECIPIENTS.

def main
  limit = ENV['MAXRECIPIENTS']
  puts 'E550 sorry, too many recipients (#5.7.1)' if limit && ENV['SMTPRCPTCOUNT'].to_i >= limit.to_i
end

require_relative 'spp2'; serve { main }
