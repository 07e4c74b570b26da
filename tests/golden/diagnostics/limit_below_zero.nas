space s {
  input image: [3, 32, 32]
  width w in {4, 8}
  y = image >> conv_bn_relu(w, k = 3)
  require latency(ort_cpu) <= -1 ms and macs <= -5
  require latency(ort_cpu, threads = 0) <= 3 ms
  task t = y >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
